//! The connection to the system bus: asks services, and sorts what they say.
//!
//! Every question has a time limit, and no service is started by one. A signal counts only when it
//! comes from the program that has the name of the service: the bus lets everybody send everything.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use zbus::export::futures_core::Stream as _;
use zbus::message::{Header, Type};
use zbus::{Connection, Message, MessageStream, OwnedObjectPath, OwnedVariant, connection};

use crate::inbox::{Inbox, Said};
use crate::{logind, network};

/// How long the bus may take to let us in.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long a service may take to answer. They answer from memory; one that is stopped must not
/// hold up what the others say for long.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The bus itself.
const BUS: &str = "org.freedesktop.DBus";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// Who tells something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    /// logind: sessions, sleep, idle.
    Login,
    /// UPower.
    Power,
    /// NetworkManager.
    Network,
}

impl Service {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Login, Self::Power, Self::Network];

    /// Returns its name on the bus.
    fn name(self) -> &'static str {
        match self {
            Self::Login => "org.freedesktop.login1",
            Self::Power => "org.freedesktop.UPower",
            Self::Network => "org.freedesktop.NetworkManager",
        }
    }

    /// Returns which of its signals to hear, as the bus wants it said.
    fn rules(self) -> Vec<String> {
        let changes = format!("interface='{PROPERTIES}',member='PropertiesChanged'");
        let wanted = match self {
            Self::Login => vec![
                format!("path='{}'", logind::MANAGER),
                format!("path_namespace='{}'", logind::SESSIONS),
            ],
            Self::Power => vec![format!("{changes},path='/org/freedesktop/UPower'")],
            Self::Network => vec![
                format!("{changes},path='/org/freedesktop/NetworkManager'"),
                format!("{changes},path_namespace='{}'", network::ACTIVE),
            ],
        };
        let name = self.name();
        let own = wanted
            .into_iter()
            .map(|it| format!("type='signal',sender='{name}',{it}"));
        let coming = format!(
            "type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{name}'"
        );
        own.chain([coming]).collect()
    }
}

/// The properties of one object. One that is missing, or is of another type, is not known.
#[derive(Debug, Default)]
pub(crate) struct Properties(HashMap<String, OwnedVariant>);

impl Properties {
    pub(crate) fn truth(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.downcast_ref().ok()
    }

    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.0.get(name)?.downcast_ref().ok()
    }

    pub(crate) fn large(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.downcast_ref().ok()
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.downcast_ref().ok()
    }

    /// Returns a list of paths; empty when it is none.
    pub(crate) fn paths(&self, name: &str) -> Vec<String> {
        let list = self.0.get(name).and_then(|it| it.try_clone().ok());
        let paths = list.and_then(|it| Vec::<OwnedObjectPath>::try_from(it).ok());
        let paths = paths.unwrap_or_default();
        paths.iter().map(|it| it.as_str().to_owned()).collect()
    }
}

/// A connection to the bus.
#[derive(Debug)]
pub(crate) struct Bus {
    connection: Connection,
    /// The program that has the name of a service, by its name for this connection; none when
    /// nobody has. No entry before it is known.
    owners: RefCell<BTreeMap<Service, Option<String>>>,
}

impl Bus {
    /// Connects to the bus at `address`, or the system's. What is heard from here on is in the
    /// stream, for [`Self::listen`].
    ///
    /// # Errors
    /// There is no bus, or it does not let us in.
    pub(crate) async fn connect(address: Option<&str>) -> zbus::Result<(Self, MessageStream)> {
        let builder = match address {
            Some(address) => connection::Builder::address(address),
            None => connection::Builder::system(),
        };
        let connecting = builder.method_timeout(ANSWER_WITHIN).build();
        let connection = tokio::time::timeout(CONNECT_WITHIN, connecting)
            .await
            .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))?;
        let stream = MessageStream::from(&connection);
        let owners = RefCell::default();
        Ok((Self { connection, owners }, stream))
    }

    /// Asks the bus to pass on what services say, and who they are. To be called while
    /// [`Self::listen`] runs.
    ///
    /// # Errors
    /// The bus does not want to.
    pub(crate) async fn subscribe(&self) -> zbus::Result<()> {
        for rule in Service::ALL.into_iter().flat_map(Service::rules) {
            self.ask_bus("AddMatch", &rule).await?;
        }
        for service in Service::ALL {
            let answer = self.ask_bus("GetNameOwner", service.name()).await;
            // That nobody has the name is an error, too.
            let owner = answer.ok().and_then(|it| it.body().deserialize().ok());
            // What the bus said meanwhile is newer.
            let mut owners = self.owners.borrow_mut();
            owners.entry(service).or_insert(owner);
        }
        Ok(())
    }

    async fn ask_bus(&self, method: &str, word: &str) -> zbus::Result<Message> {
        let path = "/org/freedesktop/DBus";
        self.connection
            .call_method(Some(BUS), path, Some(BUS), method, &word)
            .await
    }

    /// Says whether the service runs.
    fn runs(&self, service: Service) -> bool {
        matches!(self.owners.borrow().get(&service), Some(Some(_)))
    }

    /// Asks a service that runs. None when it does not run, does not answer in time or answers
    /// something else.
    pub(crate) async fn call<A, B>(
        &self,
        service: Service,
        path: &str,
        interface: &str,
        method: &str,
        arguments: &A,
    ) -> Option<B>
    where
        A: zbus::export::serde::Serialize + zbus::DynamicType,
        B: for<'d> zbus::export::serde::Deserialize<'d> + zbus::Type,
    {
        if !self.runs(service) {
            return None;
        }
        let to = Some(service.name());
        let asking = self
            .connection
            .call_method(to, path, Some(interface), method, arguments);
        // Also sending takes time when the bus stands still.
        let answer = tokio::time::timeout(ANSWER_WITHIN, asking).await;
        answer.ok()?.ok()?.body().deserialize().ok()
    }

    /// Reads the properties of an object.
    pub(crate) async fn properties(
        &self,
        service: Service,
        path: &str,
        interface: &str,
    ) -> Option<Properties> {
        self.call(service, path, PROPERTIES, "GetAll", &interface)
            .await
            .map(Properties)
    }

    /// Sorts what comes into the inbox; returns when the bus is gone.
    pub(crate) async fn listen(&self, mut stream: MessageStream, inbox: &Inbox) {
        loop {
            let next = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx));
            let Some(Ok(message)) = next.await else {
                return;
            };
            if message.message_type() == Type::Signal {
                self.sort(&message, inbox);
            }
        }
    }

    fn sort(&self, message: &Message, inbox: &Inbox) {
        let header = message.header();
        let Some(sender) = header.sender().map(|it| it.as_str()) else {
            return;
        };
        // The bus lets nobody else use its name.
        if sender == BUS {
            if let Some(service) = self.took_over(message) {
                inbox.change(service);
            }
            return;
        }
        let is_it = |it: &Option<String>| it.as_deref() == Some(sender);
        let owners = self.owners.borrow();
        let Some((service, _)) = owners.iter().find(|(_, owner)| is_it(owner)) else {
            return;
        };
        match said(*service, &header, message) {
            Some(said) => inbox.say(said),
            None => inbox.change(*service),
        }
    }

    /// Notes that a service came or went.
    fn took_over(&self, message: &Message) -> Option<Service> {
        let header = message.header();
        let member = header.member().map(|it| it.as_str().to_owned());
        if member.as_deref() != Some("NameOwnerChanged") {
            return None;
        }
        let (name, _, owner): (String, String, String) = message.body().deserialize().ok()?;
        let service = Service::ALL.into_iter().find(|it| it.name() == name)?;
        let owner = Some(owner).filter(|it| !it.is_empty());
        self.owners.borrow_mut().insert(service, owner);
        Some(service)
    }
}

/// Returns what a signal says by itself; none when it says that something is to be read again.
fn said(service: Service, header: &Header<'_>, message: &Message) -> Option<Said> {
    if service != Service::Login {
        return None;
    }
    let truth = || message.body().deserialize::<bool>().ok();
    let session = || header.path().map(|it| it.as_str().to_owned());
    match header.member()?.as_str() {
        "PrepareForSleep" => truth().map(Said::Sleep),
        "PrepareForShutdown" => truth().map(Said::Shutdown),
        "Lock" => Some(Said::Lock {
            session: session()?,
            lock: true,
        }),
        "Unlock" => Some(Said::Lock {
            session: session()?,
            lock: false,
        }),
        _ => None,
    }
}
