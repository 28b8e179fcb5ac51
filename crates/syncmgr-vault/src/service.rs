//! The secret service of the desktop (freedesktop.org Secret Service API 0.2), over the session bus.
//!
//! The session is a *plain* one: the secret travels over the Unix socket of the bus, which only
//! programs of the same user (and root) can reach, unencrypted. The encrypted kind of session
//! protects from nobody else: whoever can listen there can ask the service for the secret as well.
//! Nothing is unlocked and nobody is asked: a program in the background has no screen.

use std::collections::HashMap;
use std::time::Duration;

use syncmgr_model::id::ItemKey;
use zbus::export::serde::{Deserialize, Serialize};
use zbus::{
    Connection, DynamicType, ObjectPath, OwnedObjectPath, OwnedVariant, Type, Variant, connection,
};

use crate::error::VaultError;
use crate::secret::{SECRET_LEN_MAX, Secret};

/// How long the bus, and then the whole conversation, may take; a service that has to be started
/// takes a second.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

const NAME: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// No object.
const NOTHING: &str = "/";

/// What stands before every name of a sync in the keyring, for people who look into it.
const APPLICATION: &str = "syncmgr";

/// A secret on the wire: session, parameters, value, type of content.
type Wire = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// How the service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It keeps secrets.
    Open,
    /// It is there and locked.
    Locked,
    /// There is none, or it has no keyring.
    Absent,
}

/// The secret service of one state folder: another one has secrets of its own.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    /// The address of the bus; `None`: that of the session.
    address: Option<String>,
    state: String,
}

impl Service {
    pub(crate) fn new(address: Option<String>, state: String) -> Self {
        Self { address, state }
    }

    /// Says how it is doing.
    pub(crate) fn standing(&self) -> Standing {
        let looked = self.talk(async |bus| {
            let collection = bus.default_collection().await?;
            bus.is_locked(&collection).await
        });
        match looked {
            Ok(true) => Standing::Locked,
            Ok(false) => Standing::Open,
            Err(_) => Standing::Absent,
        }
    }

    /// Returns a secret; `None` when the service has none by this name.
    pub(crate) fn get(&self, item: &ItemKey, key: &str) -> Result<Option<Secret>, VaultError> {
        let attributes = self.attributes(item, key);
        self.talk(async move |bus| {
            let (open, locked) = bus.search(&attributes).await?;
            let Some(found) = open.first() else {
                return if locked.is_empty() {
                    Ok(None)
                } else {
                    Err(VaultError::Locked)
                };
            };
            let session = bus.session().await?;
            let secrets: HashMap<OwnedObjectPath, Wire> = bus
                .call(ROOT, SERVICE, "GetSecrets", &(&[found][..], &session))
                .await?;
            let wire = secrets.into_values().next();
            let Some((_, _, value, _)) = wire else {
                return Ok(None);
            };
            if value.len() > SECRET_LEN_MAX {
                return Err(VaultError::Unusable("in the keyring is too long"));
            }
            String::from_utf8(value)
                .map(|text| Some(Secret::new(text)))
                .map_err(|_| VaultError::Unusable("in the keyring is no text"))
        })
    }

    /// Keeps a secret, in place of one of the same name.
    pub(crate) fn set(&self, item: &ItemKey, key: &str, secret: &Secret) -> Result<(), VaultError> {
        let attributes = self.attributes(item, key);
        let label = format!("{APPLICATION}: {key} of {item}");
        self.talk(async move |bus| {
            let collection = bus.default_collection().await?;
            if bus.is_locked(&collection).await? {
                return Err(VaultError::Locked);
            }
            let session = bus.session().await?;
            let mut properties: HashMap<&str, Variant<'_>> = HashMap::new();
            properties.insert("org.freedesktop.Secret.Item.Label", Variant::from(label));
            properties.insert(
                "org.freedesktop.Secret.Item.Attributes",
                Variant::from(attributes),
            );
            let value = secret.expose().as_bytes();
            let wire = (
                &session,
                &[][..] as &[u8],
                value,
                "text/plain; charset=utf8",
            );
            let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = bus
                .call(
                    collection.as_str(),
                    COLLECTION,
                    "CreateItem",
                    &(properties, wire, true),
                )
                .await?;
            bus.refuse(&prompt).await
        })
    }

    /// Removes a secret; one that is gone is no mistake.
    pub(crate) fn remove(&self, item: &ItemKey, key: &str) -> Result<(), VaultError> {
        let attributes = self.attributes(item, key);
        self.talk(async move |bus| {
            let (open, locked) = bus.search(&attributes).await?;
            for found in open {
                let prompt: OwnedObjectPath = bus.call(found.as_str(), ITEM, "Delete", &()).await?;
                bus.refuse(&prompt).await?;
            }
            if locked.is_empty() {
                Ok(())
            } else {
                Err(VaultError::Locked)
            }
        })
    }

    fn attributes(&self, item: &ItemKey, key: &str) -> HashMap<String, String> {
        [
            ("application", APPLICATION.to_owned()),
            ("state", self.state.clone()),
            ("item", item.to_string()),
            ("key", key.to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// Talks to the service, on this thread, within bounds.
    fn talk<T>(
        &self,
        talk: impl AsyncFnOnce(&Bus) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| unreachable(&error))?;
        let all = async {
            let bus = Bus::open(self.address.as_deref()).await?;
            talk(&bus).await
        };
        let result = runtime.block_on(async { tokio::time::timeout(ANSWER_WITHIN, all).await });
        runtime.shutdown_background();
        result.unwrap_or_else(|_| Err(VaultError::Unreachable("it does not answer".to_owned())))
    }
}

fn unreachable(error: &dyn std::fmt::Display) -> VaultError {
    VaultError::Unreachable(error.to_string())
}

/// A connection to the bus of the session.
struct Bus {
    connection: Connection,
}

impl Bus {
    async fn open(address: Option<&str>) -> Result<Self, VaultError> {
        let builder = match address {
            Some(address) => connection::Builder::address(address),
            None => connection::Builder::session(),
        };
        let connection = builder
            .method_timeout(ANSWER_WITHIN)
            .build()
            .await
            .map_err(|error| unreachable(&error))?;
        Ok(Self { connection })
    }

    async fn call<A, B>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        arguments: &A,
    ) -> Result<B, VaultError>
    where
        A: Serialize + DynamicType,
        B: for<'d> Deserialize<'d> + Type,
    {
        let answer = self
            .connection
            .call_method(Some(NAME), path, Some(interface), method, arguments)
            .await
            .map_err(|error| match error {
                zbus::Error::MethodError(name, ..) if name.ends_with(".IsLocked") => {
                    VaultError::Locked
                }
                // Texts of the service are not shown: nobody promises what is in them.
                zbus::Error::MethodError(name, ..) => unreachable(&name),
                other => unreachable(&other),
            })?;
        let body = answer.body();
        body.deserialize().map_err(|error| unreachable(&error))
    }

    /// Opens a session; it ends with the connection.
    async fn session(&self) -> Result<OwnedObjectPath, VaultError> {
        let (_, session): (OwnedVariant, OwnedObjectPath) = self
            .call(ROOT, SERVICE, "OpenSession", &("plain", Variant::from("")))
            .await?;
        Ok(session)
    }

    async fn default_collection(&self) -> Result<OwnedObjectPath, VaultError> {
        let found: OwnedObjectPath = self.call(ROOT, SERVICE, "ReadAlias", &"default").await?;
        if found.as_str() == NOTHING {
            return Err(VaultError::Unreachable("there is no keyring".to_owned()));
        }
        Ok(found)
    }

    async fn is_locked(&self, collection: &ObjectPath<'_>) -> Result<bool, VaultError> {
        let value: OwnedVariant = self
            .call(
                collection.as_str(),
                PROPERTIES,
                "Get",
                &(COLLECTION, "Locked"),
            )
            .await?;
        value
            .downcast_ref::<bool>()
            .map_err(|error| unreachable(&error))
    }

    /// Returns items with these attributes: open ones, and locked ones.
    async fn search(
        &self,
        attributes: &HashMap<String, String>,
    ) -> Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>), VaultError> {
        self.call(ROOT, SERVICE, "SearchItems", attributes).await
    }

    /// The service wants to ask a person: that counts as locked.
    async fn refuse(&self, prompt: &OwnedObjectPath) -> Result<(), VaultError> {
        if prompt.as_str() == NOTHING {
            return Ok(());
        }
        self.call::<_, ()>(prompt.as_str(), PROMPT, "Dismiss", &())
            .await?;
        Err(VaultError::Locked)
    }
}
