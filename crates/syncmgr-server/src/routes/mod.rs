//! The routes, one module for each resource.

mod health;
mod live;
mod sign_in;
mod tokens;

mod activity;
mod alerts;
mod conflicts;
mod decisions;
mod desk;
mod doctor;
mod drafts;
mod events;
mod files;
mod found;
mod handlers;
mod items;
mod listing;
mod outside;
mod paging;
mod raw;
mod schedules;
mod secrets;
mod sessions;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{SignIn, Tokens};
use crate::center::Api;
use crate::hub::Hub;
use crate::metrics::Metrics;

/// What the routes of the daemon itself share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The tokens of programs.
    pub tokens: Arc<Tokens>,
    /// The browsers that are signed in.
    pub sign_in: Arc<SignIn>,
    /// The live messages.
    pub hub: Arc<Hub>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// `/metrics` answers.
    pub has_metrics: bool,
    /// The daemon does its work; set by the one who starts it.
    pub is_ready: Arc<AtomicBool>,
    /// Tells the time.
    pub clock: SharedClock,
}

/// A clock that can be shared and shown.
#[derive(Clone)]
pub struct SharedClock(pub Arc<dyn syncmgr_center::port::Clock>);

impl std::fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedClock")
    }
}

impl FromRef<Shared> for Arc<Hub> {
    fn from_ref(shared: &Shared) -> Self {
        Self::clone(&shared.hub)
    }
}

/// Returns the routes of the daemon itself: who may ask, live messages, health.
pub(crate) fn own() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(live::stream))
        .routes(routes!(sign_in::make_code))
        .routes(routes!(sign_in::exchange, sign_in::look, sign_in::leave))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::revoke))
}

/// Returns the routes of the center.
pub(crate) fn center() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(desk::status))
        .routes(routes!(activity::activity))
        .routes(routes!(activity::agenda))
        .routes(routes!(desk::why))
        .routes(routes!(listing::list, items::create))
        .routes(routes!(found::list, found::add))
        .routes(routes!(drafts::folders))
        .routes(routes!(drafts::check))
        .routes(routes!(items::get, items::change, items::remove))
        .routes(routes!(desk::storage))
        .routes(routes!(files::list))
        .routes(routes!(files::matches))
        .routes(routes!(secrets::list))
        .routes(routes!(secrets::set, secrets::remove))
        .routes(routes!(items::pause))
        .routes(routes!(items::resume))
        .routes(routes!(sessions::list, sessions::create))
        .routes(routes!(sessions::open))
        .routes(routes!(outside::begin))
        .routes(routes!(outside::progress))
        .routes(routes!(outside::alive))
        .routes(routes!(outside::event))
        .routes(routes!(outside::end))
        .routes(routes!(outside::past))
        .routes(routes!(sessions::run_with))
        .routes(routes!(sessions::get))
        .routes(routes!(sessions::cancel))
        .routes(routes!(sessions::undo))
        .routes(routes!(sessions::preview))
        .routes(routes!(sessions::report))
        .routes(routes!(events::list))
        .routes(routes!(events::seen))
        .routes(routes!(events::remove))
        .routes(routes!(events::follow))
        .routes(routes!(conflicts::list))
        .routes(routes!(decisions::resolve))
        .routes(routes!(conflicts::get))
        .routes(routes!(conflicts::contents))
        .routes(routes!(raw::get))
        .routes(routes!(conflicts::of_item))
        .routes(routes!(conflicts::contents_of_item))
        .routes(routes!(handlers::list))
        .routes(routes!(handlers::get, handlers::change))
        .routes(routes!(handlers::update))
        .routes(routes!(handlers::restart))
        .routes(routes!(handlers::log))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::get, schedules::put, schedules::remove))
        .routes(routes!(schedules::check))
        .routes(routes!(schedules::next))
        .routes(routes!(desk::versions))
        .routes(routes!(desk::version_contents))
        .routes(routes!(desk::restore))
        .routes(routes!(desk::settings, desk::change_settings))
        .routes(routes!(desk::settings_file))
        .routes(routes!(desk::reload))
        .routes(routes!(doctor::doctor))
        .routes(routes!(doctor::report))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::test))
}
