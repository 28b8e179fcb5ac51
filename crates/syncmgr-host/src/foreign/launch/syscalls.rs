//! The other half of the sandbox: calls of the system that a handler is refused. seccomp on Linux.
//!
//! Landlock does not keep the sockets of services that run as the same person, and one of these is
//! our own, where everything can be asked for. So there are none of that kind in a sandbox. The
//! other calls that are refused reach into processes, or open sockets past this filter.

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod linux {
    use std::collections::BTreeMap;
    use std::thread;

    use seccompiler::{
        BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
        SeccompFilter, SeccompRule,
    };

    type Rules = BTreeMap<i64, Vec<SeccompRule>>;

    /// Refused, whatever it is called with.
    const REFUSED: &[i64] = &[
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        // What goes through such a ring is not seen by a filter.
        libc::SYS_io_uring_setup,
    ];

    /// The bit of the second family of calls on x86-64, and the numbers that some of
    /// [`REFUSED`] have there.
    #[cfg(target_arch = "x86_64")]
    const X32: (i64, &[i64]) = (0x4000_0000, &[521, 539, 540]);

    /// The bits of a type of socket that are no flags.
    const TYPE_MASK: u64 = 0xf;

    pub(super) fn filter(has_sockets: bool) -> Result<BpfProgram, String> {
        let filter = || {
            let rules = rules(has_sockets)?;
            let refused = SeccompAction::Errno(libc::EACCES.unsigned_abs());
            let arch = std::env::consts::ARCH.try_into()?;
            SeccompFilter::new(rules, SeccompAction::Allow, refused, arch)?.try_into()
        };
        filter().map_err(|error: BackendError| error.to_string())
    }

    fn rules(has_sockets: bool) -> Result<Rules, BackendError> {
        let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
        // Services of the machine below the virtual one may listen there.
        let mut families = vec![libc::AF_VSOCK];
        if !has_sockets {
            families.push(libc::AF_UNIX);
            rules.insert(libc::SYS_socketpair, unconnected_pairs()?);
        }
        let families = families.into_iter().map(|family| rule(0, None, family));
        let families: Result<_, BackendError> = families.collect();
        rules.insert(libc::SYS_socket, families?);
        #[cfg(target_arch = "x86_64")]
        {
            let (bit, others) = X32;
            let again: Vec<_> = rules
                .iter()
                .map(|(call, of)| (call | bit, of.clone()))
                .collect();
            rules.extend(again);
            rules.extend(others.iter().map(|call| (call | bit, Vec::new())));
        }
        Ok(rules)
    }

    /// One of such a pair can be turned to another address; one of a pair of streams cannot. A raw
    /// one is a datagram too.
    fn unconnected_pairs() -> Result<Vec<SeccompRule>, BackendError> {
        let kinds = [libc::SOCK_DGRAM, libc::SOCK_RAW].into_iter();
        kinds.map(|kind| rule(1, Some(TYPE_MASK), kind)).collect()
    }

    fn rule(argument: u8, mask: Option<u64>, value: i32) -> Result<SeccompRule, BackendError> {
        let equals = mask.map_or(SeccompCmpOp::Eq, SeccompCmpOp::MaskedEq);
        let value = u64::from(value.unsigned_abs());
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, equals, value)?;
        SeccompRule::new(vec![condition])
    }

    pub(super) fn apply(has_sockets: bool) -> Result<(), String> {
        let filter = filter(has_sockets)?;
        seccompiler::apply_filter(&filter).map_err(|error| error.to_string())
    }

    /// Tries it on a thread of its own, which ends: a filter is for good.
    pub(super) fn can() -> bool {
        let tried = thread::spawn(|| apply(false).is_ok()).join();
        tried.unwrap_or(false)
    }
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod linux {
    pub(super) fn apply(_has_sockets: bool) -> Result<(), String> {
        Err("there is no filter of calls for this system".to_owned())
    }

    pub(super) fn can() -> bool {
        false
    }
}

/// Says whether this system can refuse calls.
pub(super) fn can() -> bool {
    linux::can()
}

/// Refuses these calls to this process and all it will start, for good.
///
/// # Errors
/// Why the system did not take it.
pub(super) fn apply(has_sockets: bool) -> Result<(), String> {
    linux::apply(has_sockets)
}
