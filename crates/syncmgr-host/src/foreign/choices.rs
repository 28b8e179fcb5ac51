//! Which items of the handlers of the older family a person turned on and off, beyond the life of
//! the daemon: a file for each handler.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use syncmgr_model::id::HandlerId;
use syncmgr_sdk::legacy::{ChoiceStore, Choices, Failure, Guid};

/// Most bytes of such a file: room for 16,000 items, and more is none that was written here.
const LEN_MAX: u64 = 1 << 20;

/// See the module.
pub(super) struct Kept {
    folder: PathBuf,
}

impl Kept {
    pub(super) fn new(state_dir: &Path) -> Self {
        Self {
            folder: state_dir.join("handler-choices"),
        }
    }

    fn path(&self, handler: &HandlerId) -> PathBuf {
        self.folder.join(format!("{handler}.json"))
    }

    fn read(&self, handler: Guid) -> io::Result<Choices> {
        let path = self.path(&handler.handler_id());
        let length = match fs::metadata(&path) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Choices::default()),
            Err(error) => return Err(error),
        };
        if length > LEN_MAX {
            return Err(io::Error::new(ErrorKind::InvalidData, "it is too long"));
        }
        let texts: BTreeMap<String, bool> = serde_json::from_slice(&fs::read(&path)?)?;
        let choices = texts.into_iter().map(|(text, is_checked)| {
            let id = text.parse::<Guid>().ok()?;
            Some((id, is_checked))
        });
        let choices = choices.collect::<Option<_>>().map(Choices);
        choices.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "a key is no GUID"))
    }

    /// Writes them, whole or not at all.
    fn write(&self, handler: Guid, choices: &Choices) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let path = self.path(&handler.handler_id());
        let staged = path.with_extension("new");
        let texts = choices.0.iter().map(|(id, on)| (id.to_string(), *on));
        let texts: BTreeMap<_, _> = texts.collect();
        let mut file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&staged)?;
        file.write_all(&serde_json::to_vec(&texts)?)?;
        file.sync_all()?;
        fs::rename(&staged, &path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Forgets those of a handler that is not there any more.
    pub(super) fn forget(&self, handler: &HandlerId) -> io::Result<()> {
        match fs::remove_file(self.path(handler)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl ChoiceStore for Kept {
    fn load(&self, handler: Guid) -> Result<Choices, Failure> {
        let read = self.read(handler);
        read.map_err(|error| {
            Failure::new(Failure::FAILED, format!("cannot read the choices: {error}"))
        })
    }

    fn save(&self, handler: Guid, choices: &Choices) -> Result<(), Failure> {
        let written = self.write(handler, choices);
        written.map_err(|error| {
            Failure::new(Failure::FAILED, format!("cannot keep the choices: {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_there_again_and_what_cannot_be_read_is_no_choice() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::new(dir.path());
        let class = Guid([7; 16]);
        assert_eq!(kept.load(class), Ok(Choices::default()));
        let mut choices = Choices::default();
        choices.choose(Guid([1; 16]), false);
        choices.choose(Guid([2; 16]), true);
        kept.save(class, &choices).unwrap();
        assert_eq!(Kept::new(dir.path()).load(class), Ok(choices));
        fs::write(kept.path(&class.handler_id()), "{\"x\": true}").unwrap();
        assert!(kept.load(class).is_err());
        kept.forget(&class.handler_id()).unwrap();
        assert_eq!(kept.load(class), Ok(Choices::default()));
    }
}
