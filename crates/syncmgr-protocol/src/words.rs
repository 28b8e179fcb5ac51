//! Closed sets of words, each with its twin in the model. A word that is not in its set is an error
//! that names the member; sets do not grow within a version.

use serde::{Deserialize, Serialize};
use syncmgr_model as model;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $twin:path { $($(#[$each:meta])* $variant:ident = $word:literal,)* })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`.")] #[serde(rename = $word)] $variant,)*
        }

        impl From<$twin> for $name {
            fn from(twin: $twin) -> Self {
                use $twin as Twin;
                match twin { $(Twin::$variant => Self::$variant,)* }
            }
        }

        impl From<$name> for $twin {
            fn from(word: $name) -> Self {
                use $twin as Twin;
                match word { $($name::$variant => Twin::$variant,)* }
            }
        }
    )* };
}

words! {
    /// How far an item is.
    Status = model::progress::ProgressStatus {
        Updating = "updating",
        UpdatingIndeterminate = "updating-indeterminate",
        Succeeded = "succeeded",
        Failed = "failed",
        Canceled = "canceled",
        Disconnected = "disconnected",
    }
    /// The part of a run.
    Phase = model::progress::Phase {
        Waiting = "waiting",
        Checking = "checking",
        Comparing = "comparing",
        Preparing = "preparing",
        Copying = "copying",
        Finishing = "finishing",
    }
    /// What a report is answered with.
    Cancel = model::progress::CancelRequest {
        None = "none",
        Item = "item",
        All = "all",
    }
    /// How loud something is.
    Level = model::event::EventLevel {
        Information = "information",
        Warning = "warning",
        Error = "error",
    }
    /// One of the two sides.
    Side = model::side::Side {
        Left = "left",
        Right = "right",
    }
    /// What happens to a path.
    Action = model::preview::Action {
        Copy = "copy",
        Update = "update",
        Delete = "delete",
        Rename = "rename",
        MakeFolder = "new folder",
        RemoveFolder = "remove folder",
        SetAttributes = "attributes",
    }
    /// What happened to a content in conflict.
    ContentKind = model::conflict::ContentKind {
        Updated = "updated",
        Deleted = "deleted",
    }
    /// How deciding goes on.
    Feedback = model::resolution::Feedback {
        Continue = "continue",
        Refresh = "refresh",
        Cancel = "cancel",
    }
    /// Do, or only say.
    Intent = model::request::Intent {
        Apply = "apply",
        Preview = "preview",
    }
    /// When trying again makes sense.
    Retry = model::catalogue::Retry {
        Now = "now",
        Later = "later",
        Never = "never",
    }
    /// How far an item of the older family is.
    LegacyStatus = model::legacy::Status {
        Stopped = "stopped",
        Skipped = "skipped",
        Pending = "pending",
        Updating = "updating",
        Succeeded = "succeeded",
        Failed = "failed",
        Paused = "paused",
        Resuming = "resuming",
        UpdatingIndeterminate = "updating-indeterminate",
        Deleted = "deleted",
    }
    /// How bad an entry of the older family is.
    LegacyLevel = model::legacy::LogLevel {
        Information = "information",
        Warning = "warning",
        Error = "error",
    }
    /// Why a handler of the older family is called.
    Job = model::legacy::Event {
        Manual = "interactive",
        Scheduled = "scheduled",
        Idle = "idle",
        Connect = "connect",
        PendingDisconnect = "pending-disconnect",
        Invoke = "invoke",
    }
}

/// What kind of thing a handler syncs with. A word nobody knows is unspecified (spec 14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum HandlerType {
    /// An application.
    Application,
    /// A phone or other device.
    Device,
    /// Folders.
    Folder,
    /// A service on the network.
    Service,
    /// A computer.
    Computer,
    /// Anything else.
    #[default]
    #[serde(other)]
    Unspecified,
}

impl From<model::capability::HandlerType> for HandlerType {
    fn from(kind: model::capability::HandlerType) -> Self {
        use model::capability::HandlerType as Twin;
        match kind {
            Twin::Unspecified => Self::Unspecified,
            Twin::Application => Self::Application,
            Twin::Device => Self::Device,
            Twin::Folder => Self::Folder,
            Twin::Service => Self::Service,
            Twin::Computer => Self::Computer,
        }
    }
}

impl From<HandlerType> for model::capability::HandlerType {
    fn from(kind: HandlerType) -> Self {
        match kind {
            HandlerType::Unspecified => Self::Unspecified,
            HandlerType::Application => Self::Application,
            HandlerType::Device => Self::Device,
            HandlerType::Folder => Self::Folder,
            HandlerType::Service => Self::Service,
            HandlerType::Computer => Self::Computer,
        }
    }
}
