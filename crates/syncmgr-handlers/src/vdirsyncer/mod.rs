//! The handler `vdirsyncer`: calendars and address books, with the pairs that a person wrote into
//! the configuration of vdirsyncer. Conflicts are looked at and decided one by one; a collection
//! that one side suddenly has nothing of waits for a person.

mod config;
mod conflict;
mod fault;
mod held;
mod output;
mod session;

use std::path::{Path, PathBuf};

use syncmgr_model::capability::HandlerType;
use syncmgr_model::escape::escape;
use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Found, Item, SettingKind, SettingSpec, Settings, Value};
use syncmgr_model::preview::Preview;
use syncmgr_model::request::Choice;
use syncmgr_model::resolution::Abilities;
use syncmgr_model::side::Side;
use syncmgr_model::trouble::{Code, Trouble};

use self::config::{Config, Pair, Rule};
use self::conflict::Conflicts;
use crate::tool::settings::{optional, unusable};
use crate::tool::{Context, ENV, Job, Outcome, PROGRAM, Program, Seen, Tool, ToolConflict, Wish};

/// The id of the handler.
pub const ID: &str = "vdirsyncer";

const CONFIG: &str = "config";
const PAIR: &str = "pair";
const COLLECTION: &str = "collection";

const SPECS: &[SettingSpec] = &[
    optional(
        PAIR,
        SettingKind::Text,
        "pair of the configuration (all pairs)",
    ),
    optional(
        COLLECTION,
        SettingKind::Text,
        "only this collection of the pair",
    ),
    optional(
        CONFIG,
        SettingKind::Text,
        "configuration of vdirsyncer, another one than the usual",
    ),
    PROGRAM,
    ENV,
];

/// Largest configuration that is read: it is written by hand.
const CONFIG_BYTES_MAX: u64 = 4 << 20;

/// The handler `vdirsyncer`.
#[derive(Debug, Clone, Copy)]
pub struct VdirsyncerTool;

/// The set-up of an item.
pub(crate) struct Setup {
    file: PathBuf,
    /// It is not the one vdirsyncer takes by itself.
    is_other: bool,
    config: Config,
    pairs: Vec<Pair>,
}

impl Setup {
    fn load(ctx: &Context, item: &Item) -> Result<Self, Trouble> {
        let other = item.settings.text(CONFIG);
        let file = match other {
            Some(text) => Some(ctx.place(text)),
            None => usual(ctx),
        };
        let Some(file) = file.filter(|file| file.is_absolute()) else {
            return Err(unusable(
                CONFIG,
                other.unwrap_or_default(),
                "it is not a whole path",
            ));
        };
        let shown = ctx.shown(&file);
        let text = read(&file)
            .map_err(|e| unusable(CONFIG, &shown, format!("it cannot be read ({e})")))?;
        let config = Config::read(&text).map_err(|e| unusable(CONFIG, &shown, e))?;
        let pairs = match item.settings.text(PAIR) {
            None => config.pairs.clone(),
            Some(name) => match config.pair(name) {
                Some(pair) => vec![pair.clone()],
                None => {
                    return Err(unusable(
                        PAIR,
                        name,
                        format!("{shown} has no pair of this name"),
                    ));
                }
            },
        };
        Ok(Self {
            file,
            is_other: other.is_some(),
            config,
            pairs,
        })
    }

    /// Returns the option that names the configuration, with a space before it.
    fn option(&self) -> String {
        if self.is_other {
            format!(" -c {}", escape(self.file.as_os_str().as_encoded_bytes()))
        } else {
            String::new()
        }
    }

    /// Returns what the server of the pairs is called.
    fn server(&self) -> String {
        let sides = self.pairs.iter().flat_map(|pair| [&pair.b, &pair.a]);
        let mut servers =
            sides.filter(|name| self.config.local(name, None).is_none() && !self.is_local(name));
        let first = servers.next().map(|name| self.config.place(name));
        escape(first.unwrap_or_else(|| "the server".to_owned()).as_bytes())
    }

    fn is_local(&self, storage: &str) -> bool {
        // Any home folder will do to tell a path from an address.
        self.config.local(storage, Some(Path::new("/"))).is_some()
    }

    fn paths(&self, home: Option<&Path>) -> Vec<PathBuf> {
        let sides = self.pairs.iter().flat_map(|pair| [&pair.a, &pair.b]);
        let mut all: Vec<_> = sides
            .filter_map(|name| self.config.local(name, home))
            .collect();
        all.sort();
        all.dedup();
        all
    }

    fn summary(&self) -> String {
        let places =
            |pair: &Pair| [&pair.a, &pair.b].map(|name| escape(self.config.place(name).as_bytes()));
        match self.pairs.as_slice() {
            [pair] => {
                let [a, b] = places(pair);
                format!("{a} <-> {b}")
            }
            pairs => {
                let names: Vec<_> = pairs.iter().map(|pair| pair.name.as_str()).collect();
                format!(
                    "calendars and contacts of {}",
                    escape(names.join(", ").as_bytes())
                )
            }
        }
    }

    /// Returns what a storage calls a collection, as vdirsyncer remembers it.
    fn name_in(&self, pair: &Pair, collection: &str, side: Side, home: Option<&Path>) -> String {
        let read = || {
            let status = self.config.status_path(&self.file, home)?;
            let text = read(&status.join(format!("{}.collections", pair.name))).ok()?;
            let cache: serde_json::Value = serde_json::from_str(&text).ok()?;
            let all = cache.get("collections")?.as_array()?;
            let found = all
                .iter()
                .find(|it| it.get(0).and_then(|name| name.as_str()) == Some(collection))?;
            let at = match side {
                Side::Left => 0,
                Side::Right => 1,
            };
            let name = found.get(1)?.get(at)?.get("collection")?.as_str()?;
            Some(name.to_owned())
        };
        read().unwrap_or_else(|| collection.to_owned())
    }
}

/// Returns the configuration that vdirsyncer takes by itself.
fn usual(ctx: &Context) -> Option<PathBuf> {
    if let Some(named) = ctx.var("VDIRSYNCER_CONFIG") {
        return Some(PathBuf::from(named));
    }
    let old = ctx.home().map(|home| home.join(".vdirsyncer/config"));
    let new = ctx.config_dir().map(|dir| dir.join("vdirsyncer/config"));
    old.filter(|path| path.exists()).or(new)
}

fn read(file: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(file)?
        .take(CONFIG_BYTES_MAX)
        .read_to_string(&mut text)?;
    Ok(text)
}

impl Tool for VdirsyncerTool {
    fn id(&self) -> &'static str {
        ID
    }

    fn name(&self) -> &'static str {
        "Calendars and contacts (vdirsyncer)"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    fn program(&self) -> Option<Program> {
        Some(Program {
            name: "vdirsyncer",
            package: "vdirsyncer",
        })
    }

    fn kind(&self) -> HandlerType {
        HandlerType::Service
    }

    fn paths(&self, ctx: &Context, item: &Item) -> Vec<PathBuf> {
        let setup = Setup::load(ctx, item);
        setup.map(|it| it.paths(ctx.home())).unwrap_or_default()
    }

    fn summary(&self, ctx: &Context, item: &Item) -> String {
        match Setup::load(ctx, item) {
            Ok(setup) => setup.summary(),
            Err(_) => escape(
                item.settings
                    .text(PAIR)
                    .unwrap_or("calendars and contacts")
                    .as_bytes(),
            ),
        }
    }

    fn check(&self, ctx: &Context, item: &Item) -> Result<(), Trouble> {
        let setup = Setup::load(ctx, item)?;
        let collection = item.settings.text(COLLECTION);
        match collection {
            Some(text) if text.is_empty() || text.contains('/') => {
                Err(unusable(COLLECTION, text, "it is no name of a collection"))
            }
            Some(text) if item.settings.text(PAIR).is_none() => {
                Err(unusable(COLLECTION, text, "`pair` is not set"))
            }
            Some(_) | None if setup.pairs.is_empty() => {
                Err(unusable(CONFIG, &ctx.shown(&setup.file), "it has no pair"))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn discover(&self, ctx: &Context) -> Result<Vec<Found>, Trouble> {
        let Some(file) = usual(ctx).filter(|file| file.exists()) else {
            return Ok(Vec::new());
        };
        let origin = ctx.shown(&file);
        let failed = |detail: String| {
            Trouble::new(Code::ToolFailed)
                .with("tool", ID)
                .with("detail", format!("{origin}: {detail}"))
        };
        let text = read(&file).map_err(|e| failed(e.to_string()))?;
        let config = Config::read(&text).map_err(|e| failed(e.to_string()))?;
        let handler = HandlerId::new(ID).map_err(|_| Trouble::new(Code::HandlerUnknown))?;
        let pairs = config.pairs.clone();
        let mut setup = Setup {
            file,
            is_other: false,
            config,
            pairs: Vec::new(),
        };
        let mut all = Vec::new();
        for pair in pairs {
            let mut settings = Settings::default();
            settings.set(PAIR, Value::Text(pair.name.clone()));
            setup.pairs = vec![pair.clone()];
            all.push(Found {
                handler: handler.clone(),
                name: pair.name.clone(),
                settings,
                summary: setup.summary(),
                origin: origin.clone(),
                schedule: None,
                remarks: remarks(&setup, &pair),
            });
        }
        Ok(all)
    }

    fn preview(&self, job: &Job<'_>) -> Result<Preview, Trouble> {
        let held = held::load(job.dir);
        if held.is_empty() {
            return Err(Trouble::new(Code::NotPossible).with(
                "detail",
                "vdirsyncer cannot say beforehand what it would do, and nothing waits for you",
            ));
        }
        Ok(held::preview(&held))
    }

    fn sync(&self, job: &Job<'_>, wish: &Wish) -> Result<Outcome, Trouble> {
        let setup = Setup::load(job.ctx, job.item)?;
        session::sync(job, &setup, wish)
    }

    fn keeps_conflicts(&self) -> bool {
        true
    }

    fn conflicts(&self, ctx: &Context, item: &Item) -> Result<Vec<ToolConflict>, Trouble> {
        let dir = ctx.state_path(item);
        let setup = Setup::load(ctx, item).ok();
        let places = |name: &str| {
            let setup = setup.as_ref()?;
            let pair = setup.config.pair(name)?;
            Some([&pair.a, &pair.b].map(|it| escape(setup.config.place(it).as_bytes())))
        };
        let usual = || ["one side".to_owned(), "the other side".to_owned()];
        Ok(Conflicts::load(&dir).list(&dir, |name| places(name).unwrap_or_else(usual)))
    }

    fn abilities(&self) -> Abilities {
        Abilities::KEEP_SINGLE | Abilities::KEEP_RECENT | Abilities::KEEP_OTHER
    }

    fn resolve(&self, job: &Job<'_>, seen: &Seen<'_>, choice: &Choice) -> Result<(), Trouble> {
        let setup = Setup::load(job.ctx, job.item)?;
        session::resolve(job, &setup, seen, choice)
    }
}

fn remarks(setup: &Setup, pair: &Pair) -> Vec<String> {
    match &pair.rule {
        Rule::Ask => Vec::new(),
        Rule::Wins(storage) => vec![format!(
            "Conflicts are decided by its configuration: {} wins, and the other content is not kept.",
            escape(setup.config.place(storage).as_bytes())
        )],
        Rule::Command => {
            vec!["Conflicts are decided by a command in its configuration.".to_owned()]
        }
    }
}
