//! What people, schedules, clocks and bad luck do.

use syncmgr_center::command::{Answer, Command, Control, Scope, StartOptions, Ticket};
use syncmgr_model::capability::{ControlFlags, SyncControlFlags};
use syncmgr_model::id::{HandlerId, ItemId, ItemKey};
use syncmgr_model::request::{Intent, Origin, Token, Work};
use syncmgr_model::time::Timestamp;

use super::world::World;

impl World {
    /// Does one thing that chance picks.
    pub(super) fn act(&mut self) -> Result<(), String> {
        match self.rng.below(100) {
            0..30 => self.ask_for_start(),
            30..35 => self.ask_for_stop(),
            35..80 => self.work_on(),
            80..86 => self.work_outside(),
            86..92 => self.let_time_pass(),
            92..93 => self.jump(),
            93..96 => self.change_something(),
            96..99 => self.ask_for_change(),
            _ => {
                if self.rng.chance(1, 2) {
                    self.crash();
                } else {
                    self.die_at_next_save();
                }
                Ok(())
            }
        }
    }

    /// Asks for something; the answers are watched.
    pub(super) fn ask(&mut self, control: Control) -> Result<(), String> {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.promises.asked(ticket);
        self.give(Command::Control(ticket, control))?;
        let is_taken = |(_, answer): &(Ticket, Answer)| matches!(answer, Answer::Accepted(_));
        self.stats.n_requests += u64::from(self.last_answers.iter().any(is_taken));
        Ok(())
    }

    pub(super) fn some_handler(&mut self) -> usize {
        self.rng.index(self.installed.len())
    }

    pub(super) fn some_items(&mut self, handler: usize) -> Vec<ItemId> {
        let installed = &self.installed[handler];
        let n = 1 + self.rng.index(installed.items.len());
        (0..n)
            .filter_map(|_| self.rng.pick(&installed.items).map(|(id, ..)| id.clone()))
            .collect()
    }

    fn some_scope(&mut self) -> Scope {
        let handler = self.some_handler();
        let id = self.installed[handler].id.clone();
        match self.rng.below(20) {
            0 => Scope::All,
            1..7 => Scope::Handler(id),
            _ => Scope::Items(id, self.some_items(handler)),
        }
    }

    fn ask_for_start(&mut self) -> Result<(), String> {
        let scope = self.some_scope();
        let options = StartOptions {
            work: Work::Sync {
                is_full: self.rng.chance(1, 8),
                release: None,
            },
            intent: if self.rng.chance(1, 10) {
                Intent::Preview
            } else {
                Intent::Apply
            },
            token: self
                .rng
                .chance(1, 4)
                .then(|| Token(format!("t{}", self.next_ticket).into())),
            flags: if self.rng.chance(1, 5) {
                SyncControlFlags::IGNORE_IF_ALREADY_SYNCING
            } else {
                SyncControlFlags::empty()
            },
            origin: if self.rng.chance(1, 2) {
                Origin::Manual
            } else {
                Origin::Schedule("daily".to_owned())
            },
            joins: self.rng.chance(1, 4),
            ..StartOptions::default()
        };
        self.ask(Control::Start(scope, Box::new(options)))
    }

    fn ask_for_stop(&mut self) -> Result<(), String> {
        if self.rng.chance(1, 2) {
            let scope = self.some_scope();
            return self.ask(Control::Stop(scope));
        }
        let n = self.state.sessions().count();
        let picked = self.rng.index(n);
        let id = self.state.sessions().nth(picked).map(|session| session.id);
        match id {
            Some(id) => self.ask(Control::StopSession(id)),
            None => Ok(()),
        }
    }

    fn ask_for_change(&mut self) -> Result<(), String> {
        let handler = self.some_handler();
        let id = self.installed[handler].id.clone();
        let key = self.some_key(handler, &id);
        let flags = ControlFlags::WAIT;
        match self.rng.below(6) {
            0 => self.ask(Control::Pause(Scope::Handler(id), None)),
            1 => self.ask(Control::Resume(Scope::All)),
            2 => self.ask(Control::UpdateHandler(id, flags)),
            3 => self.ask(Control::Seen(Scope::Handler(id))),
            4 => self.ask(Control::Forget(key)),
            _ => {
                let is_on = self.rng.chance(2, 3);
                if let Some(known) = self.installed[handler]
                    .items
                    .iter_mut()
                    .find(|(item, ..)| *item == key.item)
                {
                    known.2 = is_on;
                }
                self.ask(Control::EnableItem(is_on, key, ControlFlags::empty()))
            }
        }
    }

    fn some_key(&mut self, handler: usize, id: &HandlerId) -> ItemKey {
        let items = self.some_items(handler);
        ItemKey {
            handler: id.clone(),
            item: items[0].clone(),
        }
    }

    /// Something changes outside, and the center reads it.
    fn change_something(&mut self) -> Result<(), String> {
        let handler = self.some_handler();
        let installed = &mut self.installed[handler];
        match self.rng.below(3) {
            0 => installed.is_connected = !installed.is_connected,
            1 => installed.is_concurrent = !installed.is_concurrent,
            _ => installed.items.iter_mut().for_each(|item| item.2 = true),
        }
        let id = installed.id.clone();
        self.ask(Control::UpdateHandler(id, ControlFlags::empty()))
    }

    fn let_time_pass(&mut self) -> Result<(), String> {
        let ms = i64::try_from(self.rng.below(30_000)).unwrap_or(0);
        self.now = Timestamp(self.now.0 + ms);
        self.give(Command::Tick)
    }

    /// The clock is set, or the machine slept.
    fn jump(&mut self) -> Result<(), String> {
        let ms = i64::try_from(self.rng.below(10_000_000)).unwrap_or(0);
        let ms = if self.rng.chance(1, 2) { ms } else { -ms };
        self.now = Timestamp(self.now.0 + ms);
        self.stats.n_jumps += 1;
        self.give(Command::ClockJumped(ms))
    }
}
