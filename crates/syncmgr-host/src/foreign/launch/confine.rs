//! The sandbox: what a handler cannot reach does not exist for it. Landlock on Linux.
//!
//! It keeps files: reading, writing, running, renaming. It does not keep the network, nor what files
//! are besides their content: their mode, times and owner. Sockets are kept by [`super::syscalls`].

use std::path::{Path, PathBuf};

use super::Reach;

/// Whether this system can keep handlers in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// It can.
    Yes,
    /// It cannot; why, for people.
    No(String),
}

/// What programs need that are no one's secret: themselves, their libraries, and what they ask the
/// system for.
const SYSTEM: &[&str] = &[
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/usr",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/snap",
    "/proc",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
    "/run/systemd/resolve",
    "/run/NetworkManager/resolv.conf",
    "/run/resolvconf",
    "/dev/urandom",
    "/dev/random",
];

/// Devices that are read and written, and hold nothing.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full"];

#[cfg(target_os = "linux")]
mod linux {
    use landlock::{
        ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd,
        RestrictionStatus, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _,
        RulesetError, RulesetStatus, Scope,
    };

    use super::super::syscalls;
    use super::{DEVICES, Path, PathBuf, Reach, SYSTEM, Support};

    /// The first one that also keeps files from being cut short.
    const LEAST: ABI = ABI::V3;

    /// Rights on a single file; the others make sense for folders only.
    fn of_file(rights: BitFlags<AccessFs>) -> BitFlags<AccessFs> {
        rights & AccessFs::from_file(ABI::V5)
    }

    pub(super) fn support() -> Support {
        let probed = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(LEAST))
            .and_then(Ruleset::create);
        match probed {
            Ok(_) if syscalls::can() => Support::Yes,
            Ok(_) => Support::No(
                "this system has no seccomp filter that can keep it from the sockets of services (x86-64 and ARM64 only)".to_owned(),
            ),
            Err(_) => Support::No(
                "this kernel has no Landlock that can keep it (Linux 6.2 or later, with `landlock` among its security modules)".to_owned(),
            ),
        }
    }

    pub(super) fn confine(data_dir: &Path, reach: &Reach) -> Result<(), String> {
        let status = rules(data_dir, reach).map_err(|error| error.to_string())?;
        match status.ruleset {
            RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => {
                syscalls::apply(reach.has_sockets)
            }
            RulesetStatus::NotEnforced => Err("the kernel did not take it".to_owned()),
        }
    }

    fn rules(data_dir: &Path, reach: &Reach) -> Result<RestrictionStatus, RulesetError> {
        let all = AccessFs::from_all(ABI::V5);
        let read = AccessFs::from_read(ABI::V5);
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(LEAST))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(all)?
            // It cannot end or stop what is not its own, nor talk to abstract sockets.
            .scope(Scope::Signal | Scope::AbstractUnixSocket)?
            .create()?;
        for path in SYSTEM {
            rules = allow(rules, Path::new(path), read)?;
        }
        for path in python_settings() {
            rules = allow(rules, &path, read)?;
        }
        for path in DEVICES {
            let rights = AccessFs::ReadFile | AccessFs::WriteFile;
            rules = allow(rules, Path::new(path), rights)?;
        }
        for path in &reach.read {
            rules = allow(rules, path, read)?;
        }
        // No new devices and such, whatever its user may do.
        let special = AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev;
        let data_dir = std::slice::from_ref::<PathBuf>(&data_dir.to_owned()).to_vec();
        for path in data_dir.iter().chain(&reach.write) {
            rules = allow(rules, path, all & !special)?;
        }
        rules.restrict_self()
    }

    /// Distributions keep a module that every Python loads there, in a folder for each version.
    fn python_settings() -> Vec<PathBuf> {
        let listed = std::fs::read_dir("/etc").into_iter().flatten().flatten();
        let of_python = |path: &PathBuf| path.to_string_lossy().starts_with("/etc/python");
        listed.map(|entry| entry.path()).filter(of_python).collect()
    }

    /// Allows what is there; what is not cannot be reached.
    fn allow(
        rules: RulesetCreated,
        path: &Path,
        rights: BitFlags<AccessFs>,
    ) -> Result<RulesetCreated, RulesetError> {
        let Ok(place) = PathFd::new(path) else {
            return Ok(rules);
        };
        let rights = if path.is_dir() {
            rights
        } else {
            of_file(rights)
        };
        rules.add_rule(PathBeneath::new(place, rights))
    }
}

/// Says whether a path, without links, is of the system, which every handler may read.
pub(in super::super) fn is_system(path: &Path) -> bool {
    SYSTEM.iter().any(|place| path.starts_with(place))
}

/// Says whether this system can.
#[must_use]
pub fn support() -> Support {
    #[cfg(target_os = "linux")]
    return linux::support();
    #[cfg(not(target_os = "linux"))]
    return Support::No("only Linux can keep a handler to its folders so far".to_owned());
}

/// Keeps this process, and all it will start, to what it may reach; for good.
pub(super) fn confine(data_dir: &Path, reach: &Reach) -> Result<(), String> {
    #[cfg(target_os = "linux")]
    return linux::confine(data_dir, reach);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (data_dir, reach, SYSTEM, DEVICES);
        Err("this system has no sandbox".to_owned())
    }
}
