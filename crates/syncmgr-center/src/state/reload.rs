//! What a handler keeps itself is read one time after the other: who asks while a read runs gets
//! the next one, because the running one may have looked before the change.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::id::{HandlerId, ItemId};

use crate::command::Ticket;

/// What is read: these items, and with `None` the handler itself.
pub(super) type Scope = BTreeSet<Option<ItemId>>;

/// The reads of one kind of store, by handler.
#[derive(Debug, Default)]
pub(super) struct Reloads {
    lines: BTreeMap<HandlerId, Line>,
}

#[derive(Debug, Default)]
struct Line {
    /// Who waits for the read that runs.
    served: Vec<Ticket>,
    /// What has to be read after it.
    wanted: Scope,
    /// Who waits for that.
    waiting: Vec<Ticket>,
}

impl Reloads {
    /// Asks for a read; returns what to read now, or `None` while one runs.
    pub(super) fn ask(
        &mut self,
        handler: &HandlerId,
        scope: Scope,
        ticket: Option<Ticket>,
    ) -> Option<Scope> {
        match self.lines.get_mut(handler) {
            Some(line) => {
                line.wanted.extend(scope);
                line.waiting.extend(ticket);
                None
            }
            None => {
                let line = Line {
                    served: ticket.into_iter().collect(),
                    ..Line::default()
                };
                self.lines.insert(handler.clone(), line);
                Some(scope)
            }
        }
    }

    /// A read is done: returns who waited for it, and what to read next.
    pub(super) fn done(&mut self, handler: &HandlerId) -> (Vec<Ticket>, Option<Scope>) {
        let Some(line) = self.lines.remove(handler) else {
            return (Vec::new(), None);
        };
        if line.wanted.is_empty() {
            return (line.served, None);
        }
        let next = Line {
            served: line.waiting,
            ..Line::default()
        };
        self.lines.insert(handler.clone(), next);
        (line.served, Some(line.wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// spec 130, 156: a change during a read is read again, and only then is its teller answered.
    #[test]
    fn who_comes_during_a_read_gets_the_next() {
        let mut reloads = Reloads::default();
        let handler = HandlerId::new("h").unwrap();
        let item = |id: &str| Scope::from([Some(ItemId::new(id).unwrap())]);
        assert_eq!(
            reloads.ask(&handler, item("a"), Some(Ticket(1))),
            Some(item("a"))
        );
        assert_eq!(reloads.ask(&handler, item("b"), Some(Ticket(2))), None);
        assert_eq!(reloads.ask(&handler, item("b"), None), None);
        assert_eq!(reloads.done(&handler), (vec![Ticket(1)], Some(item("b"))));
        assert_eq!(reloads.done(&handler), (vec![Ticket(2)], None));
        assert_eq!(reloads.done(&handler), (vec![], None));
    }
}
