//! What a token may do.

use hyper::Method;

/// A kind of deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Read everything.
    Read,
    /// Start, stop and pause runs; mark results as seen.
    Sync,
    /// Decide conflicts, bring versions back.
    Resolve,
    /// Change syncs, schedules, handlers, settings and tokens.
    Admin,
}

impl Scope {
    const ALL: [Self; 4] = [Self::Read, Self::Sync, Self::Resolve, Self::Admin];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Sync => "sync",
            Self::Resolve => "resolve",
            Self::Admin => "admin",
        }
    }

    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// Several kinds of deeds. Whoever may do anything may also read, and `admin` is everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes {
    is_reader: bool,
    is_syncer: bool,
    is_resolver: bool,
    is_admin: bool,
}

impl Scopes {
    /// Collects scopes.
    #[must_use]
    pub fn of(scopes: &[Scope]) -> Self {
        let has = |scope| scopes.contains(&scope) || scopes.contains(&Scope::Admin);
        Self {
            is_reader: !scopes.is_empty(),
            is_syncer: has(Scope::Sync),
            is_resolver: has(Scope::Resolve),
            is_admin: has(Scope::Admin),
        }
    }

    /// Says whether a deed of this kind is allowed.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        match scope {
            Scope::Read => self.is_reader,
            Scope::Sync => self.is_syncer,
            Scope::Resolve => self.is_resolver,
            Scope::Admin => self.is_admin,
        }
    }

    /// Returns their words.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        let all = Scope::ALL.into_iter();
        all.filter(|&scope| self.has(scope))
            .map(Scope::as_str)
            .collect()
    }
}

/// Says what a request needs. What is not named here needs the most, so that a new address is
/// never open by mistake.
#[must_use]
pub fn needed(method: &Method, path: &str) -> Scope {
    let path = path.strip_prefix("/api/v1/").unwrap_or(path);
    if method == Method::GET || method == Method::HEAD {
        // They look at folders that no sync has, at the log, and at all settings at once.
        return if matches!(path, "folders" | "doctor/report" | "settings/file") {
            Scope::Admin
        } else {
            Scope::Read
        };
    }
    let mut parts = path.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("sessions" | "events"), _, _, _)
        | (Some("items"), Some(_), Some("pause" | "resume"), None)
        | (Some("items"), Some("check"), None, None) => Scope::Sync,
        // They ask with a body, and change nothing.
        (Some("items"), Some(_), Some("matches"), None) => Scope::Read,
        (Some("schedules"), Some("check"), None, None) if method == Method::POST => Scope::Read,
        (Some("conflicts" | "versions"), _, _, _) => Scope::Resolve,
        _ => Scope::Admin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &Method, path: &str, expected: Scope) {
        assert_eq!(needed(method, path), expected);
    }

    #[test]
    fn what_is_not_named_needs_the_most() {
        check(&Method::GET, "/api/v1/settings", Scope::Read);
        check(&Method::POST, "/api/v1/sessions", Scope::Sync);
        check(&Method::POST, "/api/v1/items/x/pause", Scope::Sync);
        check(&Method::POST, "/api/v1/conflicts/resolve", Scope::Resolve);
        check(&Method::POST, "/api/v1/items/check", Scope::Sync);
        check(&Method::POST, "/api/v1/items/x/matches", Scope::Read);
        check(&Method::POST, "/api/v1/schedules/check", Scope::Read);
        check(&Method::PUT, "/api/v1/schedules/check", Scope::Admin);
        check(&Method::GET, "/api/v1/folders", Scope::Admin);
        check(&Method::GET, "/api/v1/settings/file", Scope::Admin);
        check(&Method::GET, "/api/v1/items", Scope::Read);
        check(&Method::POST, "/api/v1/items", Scope::Admin);
        check(&Method::DELETE, "/api/v1/items/pause", Scope::Admin);
        check(&Method::POST, "/new", Scope::Admin);
    }

    #[test]
    fn admin_is_everything_and_nothing_is_nothing() {
        assert_eq!(
            Scopes::of(&[Scope::Admin]).words(),
            ["read", "sync", "resolve", "admin"]
        );
        assert_eq!(Scopes::of(&[Scope::Sync]).words(), ["read", "sync"]);
        assert!(!Scopes::of(&[]).has(Scope::Read));
    }
}
