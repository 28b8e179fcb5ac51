//! Mail, with a real mbsync and a real Dovecot.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use syncmgr_model::event::EventLevel;
use syncmgr_model::item::Item;
use syncmgr_model::trouble::Code;
use tempfile::TempDir;

use crate::harness::{Machine, Ran, have, item};
use crate::server::free_port;

/// Whom the server works as when the tests run as root: it refuses to be root itself.
const NOBODY: u32 = 65_534;

/// A mail server, ended when it is dropped.
struct Dovecot {
    child: Child,
    dir: TempDir,
    port: u16,
    tls_port: u16,
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        self.child.wait().ok();
    }
}

impl Dovecot {
    fn start() -> Option<Self> {
        let program = have("dovecot")?;
        have("mbsync")?;
        let openssl = have("openssl")?;
        let dir = TempDir::new().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let at = dir.path().canonicalize().unwrap();
        let mail = at.join("mail");
        fs::create_dir(&mail).unwrap();
        let made = Command::new(openssl)
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            ])
            .args(["-subj", "/CN=localhost", "-keyout"])
            .arg(at.join("key.pem"))
            .arg("-out")
            .arg(at.join("cert.pem"))
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success());
        let me = rustix::process::geteuid();
        let (uid, users) = if me.is_root() {
            chown(&mail, Some(NOBODY), Some(NOBODY)).unwrap();
            (NOBODY, String::new())
        } else {
            let name = std::env::var("USER").unwrap();
            (
                me.as_raw(),
                format!("default_login_user = {name}\ndefault_internal_user = {name}\n"),
            )
        };
        let (port, tls_port) = (free_port(), free_port());
        let text = format!(
            "base_dir = {at}/run
state_dir = {at}/state
log_path = {at}/log
protocols = imap
listen = 127.0.0.1
{users}first_valid_uid = 1
mail_location = maildir:{at}/mail/%u
ssl = yes
ssl_cert = <{at}/cert.pem
ssl_key = <{at}/key.pem
disable_plaintext_auth = no
passdb {{
  driver = static
  args = password=geheim
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={at}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
",
            at = at.display(),
        );
        fs::write(at.join("dovecot.conf"), text).unwrap();
        let child = Command::new(program)
            .arg("-F")
            .arg("-c")
            .arg(at.join("dovecot.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            dir,
            port,
            tls_port,
        };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{}",
                server.log()
            );
            assert_eq!(server.child.try_wait().unwrap(), None, "{}", server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Puts a message into a mailbox on the server.
    fn put(&self, mailbox: &str, name: &str, text: &str) {
        let folder = self.folder(mailbox);
        let file = folder.join("new").join(name);
        fs::write(&file, text).unwrap();
        let owner = fs::metadata(&folder).unwrap();
        use std::os::unix::fs::MetadataExt as _;
        chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }

    /// Returns the folder of a mailbox on the server.
    fn folder(&self, mailbox: &str) -> PathBuf {
        let root = self.dir.path().join("mail/anna");
        match mailbox {
            "INBOX" => root,
            other => root.join(format!(".{other}")),
        }
    }

    /// Returns the messages of a mailbox on the server, by their subjects.
    fn subjects(&self, mailbox: &str) -> Vec<String> {
        subjects(&self.folder(mailbox))
    }
}

fn subjects(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for part in ["new", "cur"] {
        for entry in fs::read_dir(folder.join(part)).into_iter().flatten() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let subject = text.lines().find_map(|line| line.strip_prefix("Subject: "));
            all.push(subject.unwrap_or("none").to_owned());
        }
    }
    all.sort();
    all
}

fn message(subject: &str) -> String {
    format!(
        "From: a@example.org\nSubject: {subject}\nMessage-ID: <{subject}@example.org>\n\nHello.\n"
    )
}

/// A person whose mail lies on a server.
struct Post {
    machine: Machine,
    server: Dovecot,
    item: Item,
}

impl Post {
    fn new() -> Option<Self> {
        let server = Dovecot::start()?;
        let machine = Machine::new();
        machine.dir("Mail");
        let post = Self {
            machine,
            server,
            item: item("mbsync", "mail", &[("channel", "work")]),
        };
        post.config(|text| text);
        Some(post)
    }

    fn config(&self, change: impl FnOnce(String) -> String) {
        let text = format!(
            "IMAPAccount work
Host 127.0.0.1
Port {port}
User anna
PassCmd \"echo geheim\"
SSLType None

IMAPStore far
Account work

MaildirStore near
SubFolders Verbatim
Path ~/Mail/
Inbox ~/Mail/Inbox

Channel work
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *

Group everything work
",
            port = self.server.port
        );
        self.machine.write(".mbsyncrc", change(text));
    }

    /// Puts messages into a local mailbox.
    fn write(&self, mailbox: &str, subjects: &[String]) {
        for part in ["cur", "tmp", "new"] {
            self.machine.dir(&format!("Mail/{mailbox}/{part}"));
        }
        for subject in subjects {
            self.machine.write(
                &format!("Mail/{mailbox}/new/{subject}.1.host"),
                message(subject),
            );
        }
        self.settle(mailbox);
    }

    /// mbsync waits a second when a folder was changed just now, so that it was changed before.
    fn settle(&self, mailbox: &str) {
        for part in ["cur", "new"] {
            let folder = self.machine.home().join("Mail").join(mailbox).join(part);
            let past = std::time::SystemTime::now() - Duration::from_secs(60);
            fs::File::open(folder).unwrap().set_modified(past).unwrap();
        }
    }

    fn sync(&self) -> Ran {
        self.machine.sync(&self.item)
    }

    fn local(&self, mailbox: &str) -> Vec<String> {
        subjects(&self.machine.home().join("Mail").join(mailbox))
    }
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("m{n:03}")).collect()
}

#[test]
fn mail_goes_both_ways_and_is_counted() {
    let Some(post) = Post::new() else { return };
    assert_eq!(post.sync().succeeded().done.left.n_copied, 0);
    post.write("Inbox", &names(30));
    post.server.put("INBOX", "9.x.y", &message("far"));
    let ran = post.sync();
    let summary = ran.succeeded();
    assert_eq!(summary.done.right.n_copied, 30, "{:?}", ran.told.troubles);
    assert_eq!(summary.done.left.n_copied, 1);
    ran.progress_grew();
    let (_, last) = ran.told.progress.last().unwrap();
    assert_eq!((last.n_done, last.n_total), (31, Some(31)));
    assert!(last.current.is_some());
    assert_eq!(post.server.subjects("INBOX").len(), 31);
    assert_eq!(post.local("Inbox"), post.server.subjects("INBOX"));
    // A message that was deleted here is deleted there.
    let gone = post.machine.home().join("Mail/Inbox/new");
    let gone = fs::read_dir(gone).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(gone).unwrap();
    post.settle("Inbox");
    assert_eq!(post.sync().succeeded().done.right.n_deleted, 1);
    assert_eq!(post.server.subjects("INBOX").len(), 30);
    assert_eq!(post.sync().succeeded().done, Default::default());
}

#[test]
fn a_stopped_run_loses_no_message() {
    let Some(post) = Post::new() else { return };
    post.sync().succeeded();
    post.write("Inbox", &names(400));
    let ran = post.machine.sync_and_stop(&post.item, |at| at.n_done > 3);
    ran.was_stopped();
    assert_eq!(post.local("Inbox"), names(400));
    post.settle("Inbox");
    post.sync().succeeded();
    // Those that were on their way when it ended may come twice: mbsync had sent them and not yet
    // written down that they arrived.
    let once = |mut all: Vec<String>| {
        all.dedup();
        all
    };
    assert_eq!(once(post.server.subjects("INBOX")), names(400));
    assert_eq!(once(post.local("Inbox")), names(400));
}

#[test]
fn what_goes_wrong_has_a_name() {
    let Some(post) = Post::new() else { return };
    post.config(|text| text.replace("echo geheim", "echo wrong"));
    let trouble = post.sync();
    let trouble = trouble.failed_with(Code::SignInNeeded);
    assert_eq!(trouble.param("place"), "anna@127.0.0.1");

    post.config(|text| text.replace("echo geheim", "false"));
    post.sync().failed_with(Code::SignInNeeded);

    let port = post.server.port.to_string();
    post.config(|text| text.replace(&port, &free_port().to_string()));
    post.sync().failed_with(Code::Disconnected);

    post.config(|text| text.replace("Host 127.0.0.1", "Host nowhere.invalid"));
    post.sync().failed_with(Code::Disconnected);

    let tls = post.server.tls_port.to_string();
    post.config(|text| {
        text.replace(&port, &tls)
            .replace("Host 127.0.0.1", "Host localhost")
            .replace("SSLType None", "SSLType IMAPS")
    });
    let ran = post.sync();
    let trouble = ran.failed_with(Code::RepairNeeded);
    assert!(
        trouble.param("detail").contains("certificate"),
        "{trouble:?}"
    );

    post.config(|text| text.replace("Channel work\nFar", "Channel other\nFar"));
    let trouble = post.sync();
    let trouble = trouble.failed_with(Code::SettingUnusable);
    assert_eq!(trouble.param("key"), "channel");

    post.config(|text| text + "\nFoo bar\n");
    post.sync().failed_with(Code::SettingUnusable);

    fs::remove_file(post.machine.home().join(".mbsyncrc")).unwrap();
    let trouble = post.sync();
    let trouble = trouble.failed_with(Code::SettingUnusable);
    assert_eq!(trouble.param("key"), "config");
}

#[test]
fn another_mbsync_is_waited_for() {
    let Some(post) = Post::new() else { return };
    post.sync().succeeded();
    // As mbsync locks: the whole file, by fcntl.
    let lock = post.machine.home().join("Mail/Inbox/.mbsyncstate.lock");
    let mut holder = Command::new("python3")
        .args(["-c", "import fcntl,sys,time\nf=open(sys.argv[1],'w')\nfcntl.lockf(f,fcntl.LOCK_EX)\nprint('locked',flush=True)\ntime.sleep(60)"])
        .arg(&lock)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let out = holder.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
    let ran = post.sync();
    holder.kill().unwrap();
    holder.wait().unwrap();
    ran.failed_with(Code::Busy);
    post.sync().succeeded();
}

/// research: mbsync refuses to delete a mailbox with mail in it (gburd/isync#9).
#[test]
fn a_mailbox_with_mail_is_never_deleted() {
    let Some(post) = Post::new() else { return };
    post.write("Sub", &names(2));
    post.sync().succeeded();
    assert_eq!(post.server.subjects("Sub"), names(2));
    fs::remove_dir_all(post.machine.home().join("Mail/Sub/cur")).unwrap();
    fs::remove_dir_all(post.machine.home().join("Mail/Sub/new")).unwrap();
    let ran = post.sync();
    assert_eq!(ran.succeeded().n_held, 1);
    let said = ran.said(Code::RepairNeeded);
    assert_eq!(said.level, EventLevel::Warning);
    assert!(
        said.param("detail")
            .contains("`Sub` is gone on this computer"),
        "{said:?}"
    );
    assert_eq!(post.server.subjects("Sub"), names(2));
}

#[test]
fn channels_and_groups_are_found_with_what_they_do() {
    let Some(post) = Post::new() else { return };
    post.config(|text| format!("MaxMessages 100\n{text}"));
    let handler = post.machine.handler("mbsync", &[]);
    let found = handler.discover().unwrap();
    let names: Vec<_> = found.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["work", "everything"]);
    assert_eq!(found[0].summary, "anna@127.0.0.1 <-> ~/Mail");
    assert_eq!(found[0].origin, "~/.mbsyncrc");
    assert!(found[0].remarks[0].contains("MaxMessages 100"), "{found:?}");
    let shown = post.machine.shown(&post.item);
    assert_eq!(shown.paths(), [post.machine.home().join("Mail")]);
    // A group is run as a channel is, and what deletes mail is said again at each run.
    let group = item("mbsync", "all", &[("channel", "everything")]);
    let ran = post.machine.sync(&group);
    ran.succeeded();
    assert!(
        ran.told
            .troubles
            .iter()
            .any(|it| it.param("description").contains("MaxMessages 100"))
    );
    let all = item("mbsync", "all", &[]);
    post.machine.sync(&all).succeeded();
}

#[test]
fn nothing_is_found_where_nothing_is_set_up() {
    let machine = Machine::new();
    assert_eq!(machine.handler("mbsync", &[]).discover(), Ok(Vec::new()));
    assert_eq!(
        machine.handler("vdirsyncer", &[]).discover(),
        Ok(Vec::new())
    );
}
