//! Conflicts of every handler: found, compared, decided. The API of the daemon and commands without
//! a daemon both come here, so there is one list and one loop.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use syncmgr_center::desk::{Decided, Places};
use syncmgr_host::decide::{Desk, Picked};
use syncmgr_host::{InProcess, state_of};
use syncmgr_model::conflict::{Address, Conflict, Content};
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::record::Contents;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{ConflictView, Handler};
use syncmgr_server::desk::{Chosen, Compared, Found, Runs, Silent};

/// Returns the conflicts of all these handlers, and who could not be asked. One that keeps none is
/// no mistake. Their states are named by [`complete`].
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

/// Looks at the contents of conflicts, and names their states.
pub(crate) fn complete(host: &InProcess, places: &Places, found: &mut [Found]) {
    let mut of_handler = BTreeMap::new();
    for one in found {
        let Address { handler, item, .. } = &one.card.address;
        let files = of_handler
            .entry(handler.clone())
            .or_insert_with(|| Files::new(host, items_of(places, handler)));
        one.state = state_of(&one.contents, files.folders_of(item.as_ref()));
    }
}

/// Finds conflicts again, in this order; each item is asked once.
///
/// # Errors
/// `not-found` for the first that is gone, or why one cannot be looked at.
pub(crate) fn find_these(
    host: &InProcess,
    places: &Places,
    addresses: &[Address],
) -> Result<Vec<Found>, Trouble> {
    let desk = Desk::new(host, places.clone());
    let views = desk.bind_all(&addresses.iter().collect::<Vec<_>>())?;
    let mut of_handler = BTreeMap::new();
    let mut found = Vec::with_capacity(views.len());
    for (address, view) in addresses.iter().zip(views) {
        let files = of_handler
            .entry(&address.handler)
            .or_insert_with(|| Files::new(host, items_of(places, &address.handler)));
        found.push(files.found(&address.handler, &*view)?);
    }
    complete(host, places, &mut found);
    Ok(found)
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
    let mut found = [Files::new(host, items).found(&address.handler, &*view)?];
    complete(host, places, &mut found);
    let [found] = found;
    Ok(found)
}

fn items_of<'a>(places: &'a Places, handler: &HandlerId) -> &'a [Item] {
    places.get(handler).map_or(&[][..], Vec::as_slice)
}

/// Decides conflicts as was chosen beforehand; see [`syncmgr_server::desk::Desk::decide`].
///
/// # Errors
/// `not-found` when one of them is gone, `state-changed` when one is not what it was; nothing was
/// carried out then.
pub(crate) fn decide(
    host: &InProcess,
    places: &Places,
    chosen: &[Chosen],
    is_preview: bool,
    runs: &mut Runs<'_>,
) -> Result<Vec<Decided>, Trouble> {
    let desk = Desk::new(host, places.clone());
    let desk = if is_preview {
        desk.rehearsing()
    } else {
        desk.quiet()
    };
    let desk = desk.on_states(chosen.iter().map(|it| it.state.clone()).collect());
    let addresses: Vec<_> = chosen.iter().map(|it| &it.address).collect();
    let handlers = chosen.iter().map(|it| it.address.handler.clone());
    let set: Vec<_> = handlers.zip(desk.bind_all(&addresses)?).collect();
    let mut picked = Picked(chosen.iter().map(|it| it.pick.clone()).collect());
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
    known: BTreeMap<ItemId, BTreeMap<String, Conflict>>,
    folders: BTreeMap<ItemId, Vec<PathBuf>>,
}

impl<'a> Files<'a> {
    fn new(host: &'a InProcess, items: &'a [Item]) -> Self {
        Self {
            host,
            items,
            known: BTreeMap::new(),
            folders: BTreeMap::new(),
        }
    }

    fn folders_of(&mut self, id: Option<&ItemId>) -> &[PathBuf] {
        let Some(id) = id else { return &[] };
        if !self.folders.contains_key(id) {
            let item = self.items.iter().find(|item| *id == item.id);
            let folders = item.map(|item| self.host.paths(item));
            self.folders.insert(id.clone(), folders.unwrap_or_default());
        }
        self.folders.get(id).map_or(&[], Vec::as_slice)
    }

    /// Completes a conflict.
    fn found(&mut self, handler: &HandlerId, view: &dyn ConflictView) -> Result<Found, Trouble> {
        let card = view.card(handler);
        let file = match &card.address.item {
            Some(item) => {
                let of_it = self.of(item)?;
                let id = std::str::from_utf8(&card.address.id).ok();
                id.and_then(|id| of_it.get(id))
            }
            None => None,
        };
        let file = file.cloned();
        let contents = view.contents()?;
        Ok(Found {
            state: String::new(),
            file,
            contents,
            abilities: view.resolution().abilities().unwrap_or_default(),
            card,
        })
    }

    fn of(&mut self, id: &ItemId) -> Result<&BTreeMap<String, Conflict>, Trouble> {
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
            let by_id = list.into_iter().map(|it| (it.id.to_string(), it));
            self.known.insert(id.clone(), by_id.collect());
        }
        Ok(self.known.entry(id.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use syncmgr_model::conflict::{ConflictId, ContentKind, KEY_NAME, Property};
    use syncmgr_model::hresult::Hresult;
    use syncmgr_model::item::Settings;
    use syncmgr_model::resolution::{
        Abilities, Decision, Feedback, KeptItem, Pick, PresenterChoice, Substitute,
    };
    use syncmgr_sdk::{
        ConflictFilter, ConflictStore, HandlerFactory, ItemEnumerator, ResolutionHandler,
        SessionCreator, SyncItem, SyncRequest,
    };

    use super::*;
    use crate::clock::MachineClock;

    /// A handler with one item and one conflict, of three contents in files.
    #[derive(Clone)]
    struct Three {
        id: HandlerId,
        folder: PathBuf,
        files: Vec<PathBuf>,
        abilities: Abilities,
        /// What was decided.
        log: Arc<Mutex<Vec<String>>>,
    }

    impl HandlerFactory for Three {
        fn id(&self) -> &HandlerId {
            &self.id
        }

        fn create(&self, _saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
            Ok(Box::new(self.clone()))
        }
    }

    impl Handler for Three {
        fn name(&self) -> Result<String, Hresult> {
            Ok("Three".to_owned())
        }

        fn items(&self) -> Result<ItemEnumerator, Hresult> {
            Ok(ItemEnumerator::new(vec![Arc::new(self.clone())]))
        }

        fn item(&self, _id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
            Ok(Arc::new(self.clone()))
        }

        fn synchronize(&self, _: &SyncRequest, _: &dyn SessionCreator) -> Result<(), Trouble> {
            Ok(())
        }

        fn conflicts(&self) -> Option<&dyn ConflictStore> {
            Some(self)
        }
    }

    impl SyncItem for Three {
        fn id(&self) -> Result<String, Hresult> {
            Ok("one".to_owned())
        }

        fn name(&self) -> Result<String, Hresult> {
            Ok("One".to_owned())
        }

        fn paths(&self) -> Vec<PathBuf> {
            vec![self.folder.clone()]
        }
    }

    impl ConflictStore for Three {
        fn enumerate(&self, _: &ConflictFilter) -> Result<Vec<Arc<dyn ConflictView>>, Trouble> {
            Ok(vec![Arc::new(self.clone())])
        }
    }

    impl ConflictView for Three {
        fn id(&self) -> ConflictId {
            ConflictId::new("card-7")
        }

        fn item(&self) -> Option<ItemId> {
            ItemId::new("one").ok()
        }

        fn kind(&self) -> String {
            "card".to_owned()
        }

        fn property(&self, key: &str) -> Property {
            match key {
                KEY_NAME => Property::Text("Anna".to_owned()),
                _ => Property::Empty,
            }
        }

        fn contents(&self) -> Result<Vec<Content>, Trouble> {
            let content = |file: &PathBuf| Content {
                display_name: "Anna".to_owned(),
                original_name: None,
                alternate_name: None,
                short_location: "here".to_owned(),
                full_location: "here".to_owned(),
                kind: ContentKind::Updated,
                size: None,
                modified: None,
                path: Some(file.as_os_str().as_bytes().to_vec()),
            };
            Ok(self.files.iter().map(content).collect())
        }

        fn resolution(&self) -> &dyn ResolutionHandler {
            self
        }
    }

    impl Three {
        fn note(&self, text: String) -> Result<Feedback, Trouble> {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push(text);
            Ok(Feedback::Continue)
        }
    }

    impl ResolutionHandler for Three {
        fn abilities(&self) -> Result<Abilities, Trouble> {
            Ok(self.abilities)
        }

        fn carry_out(&self, decision: &Decision) -> Result<Feedback, Trouble> {
            self.note(match decision {
                Decision::KeepItems(items) => {
                    let indexes: Vec<_> = items.iter().map(|it: &KeptItem| it.index).collect();
                    format!("keep {indexes:?}")
                }
                Decision::KeepRecent => "newest".to_owned(),
                Decision::KeepOther(Substitute::Bytes(bytes)) => format!("other {}", bytes.len()),
                Decision::KeepOther(Substitute::Merge) => "merge".to_owned(),
                Decision::RemoveFromSyncSet => "remove".to_owned(),
            })
        }
    }

    struct World {
        dir: tempfile::TempDir,
        host: InProcess,
        places: Places,
        log: Arc<Mutex<Vec<String>>>,
    }

    /// One content lies outside of the folder of the sync, and another is a link that leads there.
    fn world(abilities: Abilities) -> World {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("cards");
        std::fs::create_dir(&folder).unwrap();
        let files = [
            folder.join("a"),
            folder.join("link"),
            dir.path().join("secret"),
        ];
        std::fs::write(&files[0], "one").unwrap();
        std::fs::write(&files[2], "not theirs").unwrap();
        std::os::unix::fs::symlink(&files[2], &files[1]).unwrap();
        let three = Three {
            id: HandlerId::new("three").unwrap(),
            folder,
            files: files.to_vec(),
            abilities,
            log: Arc::default(),
        };
        let item = Item {
            id: ItemId::new("one").unwrap(),
            handler: three.id.clone(),
            name: None,
            settings: Settings::default(),
            is_enabled: true,
        };
        let log = Arc::clone(&three.log);
        let places = Places::from([(three.id.clone(), vec![item])]);
        let clock = Arc::new(MachineClock::start());
        let host = InProcess::new(vec![Arc::new(three)], Vec::new(), clock);
        World {
            dir,
            host,
            places,
            log,
        }
    }

    /// Everything, with its states.
    fn listed(world: &World) -> Vec<Found> {
        let (mut found, silent) = find_all(&world.host, &world.places);
        assert!(silent.is_empty(), "{silent:?}");
        complete(&world.host, &world.places, &mut found);
        found
    }

    fn decided(world: &World, pick: Pick, is_preview: bool) -> (Vec<Decided>, Vec<String>) {
        let found = listed(world);
        let chosen = [Chosen {
            address: found[0].card.address.clone(),
            state: found[0].state.clone(),
            pick: Some(pick),
        }];
        let mut runs = |_: &syncmgr_center::desk::Batch| Ok(());
        let decided = decide(&world.host, &world.places, &chosen, is_preview, &mut runs).unwrap();
        let log = std::mem::take(&mut *world.log.lock().unwrap());
        (decided, log)
    }

    fn pick(choice: PresenterChoice, items: &[usize]) -> Pick {
        Pick {
            choice,
            items: items.to_vec(),
            applies_to_all: false,
        }
    }

    #[test]
    fn a_conflict_of_three_contents_is_decided_by_index() {
        let world = world(Abilities::KEEP_MULTIPLE);
        let third = || pick(PresenterChoice::KeepOne, &[2]);
        let (done, log) = decided(&world, third(), true);
        assert_eq!((done, log), (vec![Decided::Done], Vec::new()));
        let (done, log) = decided(&world, third(), false);
        assert_eq!(
            (done, log),
            (vec![Decided::Done], vec!["keep [2]".to_owned()])
        );
        let two = pick(PresenterChoice::KeepMultiple, &[0, 2]);
        assert_eq!(decided(&world, two, false).1, ["keep [0, 2]"]);
        // What it does not offer, and a content that it does not have, are refused.
        for bad in [
            pick(PresenterChoice::KeepRecent, &[]),
            pick(PresenterChoice::RemoveFromSyncSet, &[]),
            pick(PresenterChoice::KeepOne, &[3]),
        ] {
            let (done, log) = decided(&world, bad, false);
            assert!(matches!(done[..], [Decided::Failed(_)]), "{done:?}");
            assert!(log.is_empty());
        }
    }

    /// What the handler says stays the same, and its file is another one.
    #[test]
    fn what_was_decided_on_another_content_is_not_carried_out() {
        let world = world(Abilities::empty());
        let found = listed(&world);
        std::fs::write(world.dir.path().join("cards/a"), "two").unwrap();
        let chosen = [Chosen {
            address: found[0].card.address.clone(),
            state: found[0].state.clone(),
            pick: Some(pick(PresenterChoice::KeepOne, &[2])),
        }];
        let mut runs = |_: &syncmgr_center::desk::Batch| Ok(());
        let decided = decide(&world.host, &world.places, &chosen, false, &mut runs).unwrap();
        let [Decided::Failed(trouble)] = decided.as_slice() else {
            panic!("{decided:?}")
        };
        assert_eq!(trouble.code, Code::StateChanged);
        assert_eq!(*world.log.lock().unwrap(), [""; 0]);
    }

    /// What a handler says must not open files that are none of its business.
    #[test]
    fn only_files_in_the_folders_of_a_sync_are_read() {
        let world = world(Abilities::empty());
        let (found, _) = find_all(&world.host, &world.places);
        let address = &found[0].card.address;
        let compared = compare(&world.host, &world.places, address, 100).unwrap();
        assert_eq!(compared.by_index, [Some(b"one".to_vec()), None, None]);
        let small = compare(&world.host, &world.places, address, 2).unwrap();
        assert_eq!(small.by_index, [None, None, None]);
        std::fs::remove_file(world.dir.path().join("cards/a")).unwrap();
        let gone = compare(&world.host, &world.places, address, 100).unwrap();
        assert_eq!(gone.by_index, [None, None, None]);
    }
}
