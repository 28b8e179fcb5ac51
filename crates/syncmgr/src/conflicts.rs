//! Conflicts of every handler: found, compared, decided. The API of the daemon and commands without
//! a daemon both come here, so there is one list and one loop.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use syncmgr_center::desk::{Decided, Places};
use syncmgr_host::InProcess;
use syncmgr_host::decide::{Desk, Picked};
use syncmgr_model::conflict::{Address, Conflict, Content};
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::record::Contents;
use syncmgr_model::resolution::Pick;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{ConflictView, Handler};
use syncmgr_server::desk::{Compared, Found, Runs, Silent};

/// Returns the conflicts of all these handlers, and who could not be asked. One that keeps none is
/// no mistake.
pub(crate) fn find_all(host: &InProcess, places: &Places) -> (Vec<Found>, Vec<Silent>) {
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    for (handler, items) in places {
        let (views, unasked) = host.conflicts_or_silent(handler, items);
        let keeps_some = |(.., trouble): &Silent| trouble.code != Code::NotPossible;
        silent.extend(unasked.into_iter().filter(keeps_some));
        let mut files = Files::new(host, items);
        for view in views {
            match files.found(handler, &*view) {
                Ok(one) => found.push(one),
                Err(trouble) => silent.push((handler.clone(), view.item(), trouble)),
            }
        }
    }
    (found, silent)
}

/// Finds one conflict again.
///
/// # Errors
/// `not-found`, or why it cannot be looked at.
pub(crate) fn find_one(
    host: &InProcess,
    places: &Places,
    address: &Address,
) -> Result<Found, Trouble> {
    let items = items_of(places, &address.handler);
    let view = host.bind_conflict(address, None, items)?;
    Files::new(host, items).found(&address.handler, &*view)
}

fn items_of<'a>(places: &'a Places, handler: &HandlerId) -> &'a [Item] {
    places.get(handler).map_or(&[][..], Vec::as_slice)
}

/// Decides conflicts as was chosen beforehand; see [`syncmgr_server::desk::Desk::decide`].
///
/// # Errors
/// `not-found` when one of them is gone; nothing was carried out then.
pub(crate) fn decide(
    host: &InProcess,
    places: &Places,
    picks: &[(Address, Option<Pick>)],
    is_preview: bool,
    runs: &mut Runs<'_>,
) -> Result<Vec<Decided>, Trouble> {
    let desk = Desk::new(host, places.clone());
    let desk = if is_preview {
        desk.rehearsing()
    } else {
        desk.quiet()
    };
    let set = picks
        .iter()
        .map(|(address, _)| Ok((address.handler.clone(), desk.bind(address, None)?)))
        .collect::<Result<Vec<_>, Trouble>>()?;
    let mut picked = Picked(picks.iter().map(|(_, pick)| pick.clone()).collect());
    Ok(desk.resolve(&set, &mut picked, runs))
}

/// Returns the contents of a conflict, each of at most `limit` bytes. Of a handler that does not
/// compare them itself they are read from the files it names, if these lie in the folders of its
/// sync: what a handler says must not open any other file.
///
/// # Errors
/// `not-found`, or why they cannot be read.
pub(crate) fn compare(
    host: &InProcess,
    places: &Places,
    address: &Address,
    limit: usize,
) -> Result<Compared, Trouble> {
    let items = items_of(places, &address.handler);
    let item = items
        .iter()
        .find(|item| address.item.as_ref() == Some(&item.id));
    if let (Some(item), Ok(id)) = (item, std::str::from_utf8(&address.id)) {
        let asked = ask(host, item, |it| {
            it.conflicts().map(|store| store.contents(item, id, limit))
        });
        match asked {
            Ok(contents) => {
                return Ok(Compared {
                    by_index: vec![contents.left.clone(), contents.right.clone()],
                    contents,
                });
            }
            Err(trouble) if trouble.code == Code::NotPossible => {}
            Err(trouble) => return Err(trouble),
        }
    }
    let contents = host.bind_conflict(address, None, items)?.contents()?;
    let folders: Vec<_> = item
        .map(|item| host.paths(item))
        .unwrap_or_default()
        .iter()
        .filter_map(|folder| std::fs::canonicalize(folder).ok())
        .collect();
    let by_index: Vec<_> = contents
        .iter()
        .map(|content| read(content, &folders, limit))
        .collect();
    // Two contents are a left and a right one to those who compare.
    let contents = match by_index.as_slice() {
        [left, right] => Contents {
            base: None,
            left: left.clone(),
            right: right.clone(),
        },
        _ => Contents::default(),
    };
    Ok(Compared { contents, by_index })
}

/// Reads a content from its file; `None` where it has none, or that may not be shown.
fn read(content: &Content, folders: &[PathBuf], limit: usize) -> Option<Vec<u8>> {
    let path = Path::new(OsStr::from_bytes(content.path.as_deref()?));
    let real = std::fs::canonicalize(path).ok()?;
    if !folders.iter().any(|folder| real.starts_with(folder)) {
        return None;
    }
    // A pipe would wait for somebody who writes.
    if !std::fs::metadata(&real).ok()?.is_file() {
        return None;
    }
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file = File::open(&real).ok()?;
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .ok()?;
    (bytes.len() <= limit).then_some(bytes)
}

/// Asks a handler for one of the things that not every handler has.
///
/// # Errors
/// `not-possible` when it does not offer it.
pub(crate) fn ask<T>(
    host: &InProcess,
    item: &Item,
    question: impl FnOnce(&dyn Handler) -> Option<Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let handler = host.handler(&item.handler)?;
    question(&*handler).unwrap_or_else(|| {
        let detail = "the handler of this sync does not offer it";
        Err(Trouble::new(Code::NotPossible).with("detail", detail))
    })
}

/// What conflicts of items are about on two sides, asked for once for each item.
struct Files<'a> {
    host: &'a InProcess,
    items: &'a [Item],
    known: BTreeMap<ItemId, Vec<Conflict>>,
}

impl<'a> Files<'a> {
    fn new(host: &'a InProcess, items: &'a [Item]) -> Self {
        Self {
            host,
            items,
            known: BTreeMap::new(),
        }
    }

    /// Completes a conflict.
    fn found(&mut self, handler: &HandlerId, view: &dyn ConflictView) -> Result<Found, Trouble> {
        let card = view.card(handler);
        let file = match &card.address.item {
            Some(item) => self
                .of(item)?
                .iter()
                .find(|it| it.id.as_bytes() == card.address.id),
            None => None,
        };
        Ok(Found {
            file: file.cloned(),
            contents: view.contents()?,
            abilities: view.resolution().abilities().unwrap_or_default(),
            card,
        })
    }

    fn of(&mut self, id: &ItemId) -> Result<&[Conflict], Trouble> {
        if !self.known.contains_key(id) {
            let item = self.items.iter().find(|item| item.id == *id);
            let list = item.map(|item| {
                ask(self.host, item, |it| {
                    it.conflicts().map(|store| store.list(item))
                })
            });
            let list = match list {
                Some(Ok(list)) => list,
                // It keeps conflicts about something else than files.
                Some(Err(trouble)) if trouble.code == Code::NotPossible => Vec::new(),
                Some(Err(trouble)) => return Err(trouble),
                None => Vec::new(),
            };
            self.known.insert(id.clone(), list);
        }
        Ok(self.known.get(id).map_or(&[], Vec::as_slice))
    }
}
