//! Which messages there are: one type for each method, with its params and its result.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::life::Empty;
use crate::{conflict, event, item, legacy, life, operation, report, session};

/// Who sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// The host.
    Host,
    /// The handler.
    Handler,
    /// Both.
    Either,
}

/// Whether a message is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Always.
    Request,
    /// Never.
    Notification,
    /// As the sender likes.
    Any,
}

/// A message with its types.
pub trait Method {
    /// What it is called.
    const NAME: &'static str;
    /// Who sends it.
    const BY: By;
    /// Whether it is answered.
    const SHAPE: Shape;
    /// What it carries.
    type Params: Serialize + DeserializeOwned;
    /// What it is answered with.
    type Result: Serialize + DeserializeOwned;
}

/// A message by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What it is called.
    pub name: &'static str,
    /// Who sends it.
    pub by: By,
    /// Whether it is answered.
    pub shape: Shape,
}

macro_rules! methods {
    ($($by:ident $shape:ident $name:ident = $text:literal ($params:ty) -> $result:ty;)*) => {
        $(
            #[doc = concat!("`", $text, "`.")]
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl Method for $name {
                const NAME: &'static str = $text;
                const BY: By = By::$by;
                const SHAPE: Shape = Shape::$shape;
                type Params = $params;
                type Result = $result;
            }
        )*

        /// All messages.
        pub const ALL: &[Entry] = &[$(Entry { name: $text, by: By::$by, shape: Shape::$shape },)*];

        /// Calls a macro with the list of all messages and their types.
        #[cfg(test)]
        macro_rules! each_method {
            ($each:ident) => { $($each!($name, $text);)* };
        }
        #[cfg(test)]
        pub(crate) use each_method;
    };
}

methods! {
    Host Request Initialize = "initialize" (life::Initialize) -> life::Initialized;
    Host Notification Initialized = "initialized" (Empty) -> Empty;
    Host Request Ping = "ping" (Empty) -> Empty;
    Host Request Shutdown = "shutdown" (Empty) -> Empty;
    Host Notification Exit = "exit" (Empty) -> Empty;
    Host Request HandlerInfo = "handler/info" (Empty) -> life::HandlerInfo;
    Host Request HandlerActivate = "handler/activate" (life::Activate) -> Empty;
    Host Request HandlerEnable = "handler/enable" (life::Enable) -> Empty;
    Host Request ItemsList = "items/list" (item::Saved) -> item::Items;
    Host Request ItemsGet = "items/get" (item::GetItem) -> item::ItemInfo;
    Host Request ItemsDiscover = "items/discover" (Empty) -> item::Discovered;
    Host Request ItemsValidate = "items/validate" (item::Validate) -> Empty;
    Host Request ItemsEnable = "items/enable" (item::EnableItem) -> Empty;
    Host Request ItemsDelete = "items/delete" (item::ItemRef) -> Empty;
    Host Request SessionStart = "session/start" (session::Start) -> Empty;
    Host Notification SessionCancel = "session/cancel" (session::CancelSession) -> Empty;
    Host Request ConflictsList = "conflicts/list" (event::ListOf) -> conflict::Conflicts;
    Host Request ConflictsResolve = "conflicts/resolve" (conflict::Resolve) -> conflict::Resolved;
    Host Request ConflictsRemove = "conflicts/remove" (conflict::RemoveConflicts) -> Empty;
    Host Request EventsList = "events/list" (event::ListOf) -> event::Events;
    Host Request EventsRemove = "events/remove" (event::RemoveEvents) -> Empty;
    Host Request OperationRun = "operation/run" (operation::Run) -> operation::Answer;
    Host Notification OperationRaise = "operation/raise" (operation::Raise) -> Empty;
    Either Notification Cancel = "$/cancel" (life::CancelRequest) -> Empty;

    Handler Any SessionProgress = "session/progress" (report::Progress) -> session::Cancelled;
    Handler Any SessionText = "session/text" (report::Text) -> session::Cancelled;
    Handler Any SessionEvent = "session/event" (report::Event) -> report::EventRef;
    Handler Any SessionSummary = "session/summary" (report::SummaryReport) -> Empty;
    Handler Any SessionPreview = "session/preview" (report::PreviewReport) -> Empty;
    Handler Any SessionCanContinue = "session/can_continue" (session::CanContinue) -> session::GoOn;
    Handler Any SessionAdditionalItems = "session/additional_items" (session::SessionRef) -> session::AdditionalItems;
    Handler Any SessionAddItem = "session/add_item" (session::SessionItem) -> item::Item;
    Handler Any SessionAddToken = "session/add_token" (session::AddToken) -> Empty;
    Handler Any ItemPropose = "item/propose" (session::Propose) -> Empty;
    Handler Any ItemCommit = "item/commit" (session::SessionItem) -> Empty;
    Handler Any SessionManual = "session/manual" (session::SessionRef) -> Empty;
    Handler Any SessionOpen = "session/open" (session::Open) -> session::SessionRef;
    Handler Any SessionClose = "session/close" (session::Close) -> Empty;
    Handler Notification HandlerChanged = "handler/changed" (Empty) -> Empty;
    Handler Notification ItemsChanged = "items/changed" (item::ItemsChanged) -> Empty;
    Handler Notification EventsChanged = "events/changed" (Empty) -> Empty;
    Handler Notification ConflictsChanged = "conflicts/changed" (event::ListOf) -> Empty;
    Handler Notification OperationSchedule = "operation/schedule" (Empty) -> Empty;
    Handler Notification Log = "log" (life::Log) -> Empty;

    Host Request LegacyInitialize = "legacy/initialize" (legacy::Initialize) -> legacy::TakesPart;
    Host Request LegacyItems = "legacy/items" (legacy::Instance) -> legacy::Items;
    Host Request LegacyPrepare = "legacy/prepare" (legacy::Prepare) -> legacy::Started;
    Host Request LegacySynchronize = "legacy/synchronize" (legacy::Instance) -> Empty;
    Host Request LegacySetItemStatus = "legacy/set_item_status" (legacy::SetItemStatus) -> Empty;
    Host Request LegacyShowError = "legacy/show_error" (legacy::ShowError) -> Empty;
    Host Request LegacyShowProperties = "legacy/show_properties" (legacy::ShowProperties) -> Empty;
    Host Notification LegacyRelease = "legacy/release" (legacy::Instance) -> Empty;
    Handler Any LegacyProgress = "legacy/progress" (legacy::Progress) -> session::Cancelled;
    Handler Any LegacyLogError = "legacy/log_error" (legacy::LogError) -> Empty;
    Handler Any LegacyDeleteLogError = "legacy/delete_log_error" (legacy::DeleteLogError) -> Empty;
    Handler Any LegacyEnableModeless = "legacy/enable_modeless" (legacy::EnableModeless) -> legacy::MayShow;
    Handler Any LegacyEstablishConnection = "legacy/establish_connection" (legacy::EstablishConnection) -> Empty;
    Handler Any LegacyPrepareCompleted = "legacy/prepare_completed" (legacy::Completed) -> Empty;
    Handler Any LegacySynchronizeCompleted = "legacy/synchronize_completed" (legacy::Completed) -> Empty;
    Handler Any LegacyShowErrorCompleted = "legacy/show_error_completed" (legacy::Completed) -> Empty;
    Handler Any LegacyShowPropertiesCompleted = "legacy/show_properties_completed" (legacy::Completed) -> Empty;
}
