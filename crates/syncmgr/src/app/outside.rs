//! The handlers in processes of their own that a person installed: read from the settings folder,
//! and taken over again when that changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use syncmgr_api::wire::handler::HandlerProcess;
use syncmgr_center::center::Handle;
use syncmgr_center::command::Control;
use syncmgr_center::port::Clock;
use syncmgr_handlers::files::place;
use syncmgr_host::foreign::launch::own_program;
use syncmgr_host::foreign::manifest::{self, FOLDER, Manifest, ManifestError};
use syncmgr_host::foreign::{Around, Foreign, Patience};
use syncmgr_host::{InProcess, ToCenter};
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::id::HandlerId;
use syncmgr_model::trouble::Trouble;
use syncmgr_sdk::HandlerFactory;

use crate::dirs::Dirs;

/// See the module.
pub(crate) struct Outside {
    /// The handlers.
    pub(crate) foreign: Foreign,
    /// The way to the center for what they say outside of sessions.
    pub(crate) to_center: Arc<ToCenter>,
    config_dir: PathBuf,
    /// What could not be used of the settings folder.
    errors: Mutex<Vec<ManifestError>>,
}

impl Outside {
    /// Reads them and gives them to the host, which has the built-in ones already.
    pub(crate) fn open(dirs: &Dirs, clock: Arc<dyn Clock>, host: &InProcess) -> Self {
        let to_center = Arc::new(ToCenter::default());
        let outside = Self {
            foreign: Foreign::new(Around {
                launcher: own_program().unwrap_or_else(|| PathBuf::from("syncmgr")),
                state_dir: dirs.state.clone(),
                home: dirs.home.clone(),
                version: env!("CARGO_PKG_VERSION"),
                clock,
                center: Arc::clone(&to_center),
                patience: Patience::default(),
            }),
            to_center,
            config_dir: dirs.config.clone(),
            errors: Mutex::default(),
        };
        outside.refresh(host, None);
        outside
    }

    /// Returns the folder of their files.
    pub(crate) fn folder(&self) -> PathBuf {
        self.config_dir.join(FOLDER)
    }

    /// Returns the settings folder.
    pub(crate) fn config_dir(&self) -> &Path {
        &self.config_dir
    }

    /// Returns what cannot be used of the settings folder.
    pub(crate) fn errors(&self) -> Vec<ManifestError> {
        let errors = self.errors.lock();
        errors.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says whether a person installed a handler, also one whose file cannot be used.
    pub(crate) fn is_installed(&self, id: &HandlerId) -> bool {
        self.foreign.view(id).is_some() || Manifest::path(&self.config_dir, id).exists()
    }

    /// Returns what is shown of the process of a handler.
    pub(crate) fn process(&self, id: &HandlerId) -> Option<HandlerProcess> {
        let view = self.foreign.view(id)?;
        Some(HandlerProcess {
            command: view.command,
            version: view.version,
            sandbox: view.is_sandboxed,
            why_no_sandbox: view.why_not,
            sockets: view.has_sockets,
            folders: view
                .reach
                .iter()
                .map(|path| place::shown(path, None))
                .collect(),
            pid: view.pid,
            off: view.is_off,
        })
    }

    /// Starts a handler anew and waits until it has answered. A form that is another one now is kept
    /// in its file, unless somebody changed anything else there: what it may do is for a person to
    /// say. Says whether something is to be taken over with [`Self::refresh`].
    ///
    /// # Errors
    /// Why it does not start, or what of it cannot be kept.
    pub(crate) fn restart(&self, id: &HandlerId) -> Result<bool, Trouble> {
        let Some(changed) = self.foreign.restart(id)? else {
            return Ok(false);
        };
        let (there, _errors) = manifest::load(&self.config_dir);
        let is_same = there.iter().any(|there| {
            let form = changed.form.clone();
            Manifest {
                form,
                ..there.clone()
            } == changed
        });
        if is_same {
            let written = changed.write(&self.config_dir);
            written.map_err(|error| Trouble::from(&error))?;
        }
        Ok(true)
    }

    /// Takes over what changed. A handler whose file cannot be read now stays as it was: a file
    /// that somebody is writing takes nothing away.
    pub(crate) fn refresh(&self, host: &InProcess, center: Option<&Handle>) {
        let (wanted, mut errors) = manifest::load(&self.config_dir);
        let had = self.foreign.manifests();
        for manifest in &wanted {
            if had.contains(manifest) {
                continue;
            }
            let is_new = had.iter().all(|other| other.id != manifest.id);
            if is_new && host.factory(&manifest.id).is_ok() {
                errors.push(self.fault(manifest, "a handler with this id is built in"));
                continue;
            }
            match self.foreign.add(manifest.clone()) {
                Ok(factory) => self.put(manifest, Some(factory), host, center),
                Err(what) => errors.push(self.fault(manifest, &what)),
            }
        }
        for gone in &had {
            let is_there = Manifest::path(&self.config_dir, &gone.id).exists();
            if !is_there && wanted.iter().all(|other| other.id != gone.id) {
                self.put(gone, None, host, center);
                self.foreign.remove(&gone.id);
            }
        }
        *self.errors.lock().unwrap_or_else(PoisonError::into_inner) = errors;
    }

    fn put(
        &self,
        manifest: &Manifest,
        factory: Option<Arc<dyn HandlerFactory>>,
        host: &InProcess,
        center: Option<&Handle>,
    ) {
        let (id, flags) = (manifest.id.clone(), ControlFlags::NO_UI);
        let told = match factory {
            Some(factory) => {
                host.replace(&id, Some(factory));
                Control::Register(id, flags)
            }
            None => {
                host.replace(&id, None);
                Control::Unregister(id)
            }
        };
        if let Some(center) = center {
            // Refused only for what is so already.
            drop(center.control(told));
        }
    }

    fn fault(&self, manifest: &Manifest, what: &str) -> ManifestError {
        ManifestError {
            place: Manifest::path(&self.config_dir, &manifest.id),
            detail: what.to_owned(),
        }
    }
}
