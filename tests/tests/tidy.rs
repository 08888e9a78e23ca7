//! The house rules that a machine can check, each with the reason in its message.

use esker_tests::source::{Crate, circles};
use std::fs;
use std::path::{Path, PathBuf};

const CRATES: [&str; 5] = ["core", "sim", "server", "tests", "tests/fullstack"];
const LINES_MAX: usize = 500;
const JUNK: [&str; 11] =
    ["util", "utils", "helper", "helpers", "common", "manager", "types", "misc", "stuff", "shared", "base"];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn each_crate() -> Vec<(&'static str, Crate)> {
    CRATES.iter().map(|name| (*name, Crate::read(&top().join(name).join("src")))).collect()
}

#[track_caller]
fn none(complaints: Vec<String>, why: &str) {
    assert!(complaints.is_empty(), "{why}\n  {}", complaints.join("\n  "));
}

#[test]
fn every_folder_stands_in_the_list_of_layers_and_the_list_names_nothing_else() {
    let mut bad = Vec::new();
    for (name, krate) in each_crate() {
        let layers = krate.layers();
        for file in &krate.files {
            if let Some(first) = file.module.first()
                && !layers.contains(first)
                && file.path != "main.rs"
                && first != "bin"
            {
                bad.push(format!(
                    "{name}/src/{}: `{first}` does not stand in the table of {name}/src/lib.rs",
                    file.path
                ));
            }
        }
        for layer in &layers {
            if !krate.files.iter().any(|f| f.module.first() == Some(layer)) {
                bad.push(format!("{name}/src/lib.rs lists `{layer}`, which is not there"));
            }
        }
    }
    none(bad, "the table in lib.rs is the map: it must be true");
}

#[test]
fn imports_go_down_the_list() {
    let mut bad = Vec::new();
    for (name, krate) in each_crate() {
        let layers = krate.layers();
        let height = |module: &[String]| layers.iter().position(|l| Some(l) == module.first());
        for e in krate.edges() {
            let (from, to) = (&krate.files[e.from], &krate.files[e.to]);
            if let (Some(a), Some(b)) = (height(&from.module), height(&to.module))
                && b < a
            {
                bad.push(format!("{name}/src/{}:{}: uses {}, which lies higher", from.path, e.line, to.path));
            }
        }
    }
    none(bad, "imports go down the table in lib.rs; what two folders need lies below both");
}

#[test]
fn no_circle_of_files() {
    let mut bad = Vec::new();
    for (name, krate) in each_crate() {
        for circle in circles(krate.files.len(), &krate.edges()) {
            let names: Vec<_> = circle.iter().map(|i| krate.files[*i].path.as_str()).collect();
            bad.push(format!("{name}/src: {}", names.join(" ")));
        }
    }
    none(bad, "files must not use each other in a circle: move what both need below both");
}

#[test]
fn no_file_is_too_long() {
    let mut bad = Vec::new();
    let folders = CRATES.iter().flat_map(|name| [format!("{name}/src"), format!("{name}/tests")]);
    for folder in folders.filter(|folder| top().join(folder).is_dir()) {
        for file in Crate::read(&top().join(&folder)).files {
            let lines = file.text.lines().count();
            if lines > LINES_MAX {
                bad.push(format!("{folder}/{}: {lines} lines", file.path));
            }
        }
    }
    none(bad, "a file of more than 500 lines has outgrown its name");
}

#[test]
fn no_junk_drawers() {
    let mut bad = Vec::new();
    for (name, krate) in each_crate() {
        for file in &krate.files {
            if file.module.iter().any(|m| JUNK.contains(&m.as_str())) {
                bad.push(format!("{name}/src/{}", file.path));
            }
        }
    }
    none(bad, "name a file after what is in it");
}

#[test]
fn nothing_is_left_undone() {
    let mut bad = Vec::new();
    for (name, krate) in each_crate() {
        for file in &krate.files {
            for (i, line) in file.code.lines().enumerate() {
                if ["todo!", "unimplemented!", "dbg!"].iter().any(|m| line.contains(m)) {
                    bad.push(format!("{name}/src/{}:{}", file.path, i + 1));
                }
            }
        }
    }
    none(bad, "a placeholder is a panic that waits");
}

#[test]
fn every_request_opens_with_its_key_and_versions() {
    let mut bad = Vec::new();
    let core = Crate::read(&top().join("core/src"));
    for file in core.files.iter().filter(|f| f.path.starts_with("api/") && f.code.contains("pub fn on_")) {
        let head: String =
            file.text.lines().take_while(|l| l.starts_with("//!")).collect::<Vec<_>>().join("\n").to_lowercase();
        if !(head.contains("key ") && head.contains("version")) {
            bad.push(format!("core/src/{}", file.path));
        }
    }
    none(bad, "a request's file opens with its key, the versions served and its behaviour");
}

#[test]
fn every_file_of_the_core_says_what_it_is() {
    let core = Crate::read(&top().join("core/src"));
    let silent = core.files.iter().filter(|f| !f.text.starts_with("//!")).map(|f| f.path.clone()).collect();
    none(silent, "a file opens with a `//!` line that says what it does");
}

#[test]
fn the_core_is_pure() {
    let core = Crate::read(&top().join("core/src"));
    let root = &core.root().text;
    assert!(
        root.contains("#![no_std]") && root.contains("#![forbid(unsafe_code)]"),
        "core/src/lib.rs declares no_std and forbids unsafe code"
    );
    let mut bad = Vec::new();
    for file in &core.files {
        for (i, line) in file.code.lines().enumerate() {
            let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let banned = [
                "f32",
                "f64",
                "unsafe",
                "Arc",
                "Mutex",
                "RwLock",
                "async",
                "await",
                "HashSet",
                "RefCell",
                "static_mut",
            ];
            let std = line.contains("extern crate std") || line.contains("std::") && !line.contains("no_std");
            if let Some(w) = words.iter().find(|w| banned.contains(w)) {
                bad.push(format!("core/src/{}:{}: {w}", file.path, i + 1));
            } else if std {
                bad.push(format!("core/src/{}:{}: std", file.path, i + 1));
            }
        }
    }
    none(bad, "the core has no clock, no threads, no floats, no std: it must replay from a seed");
}

#[test]
fn the_core_depends_on_nothing_else() {
    let allowed = ["bytes", "kafka-protocol", "crc32c", "serde", "bincode", "hashbrown", "uuid"];
    let text = fs::read_to_string(top().join("core/Cargo.toml")).expect("core/Cargo.toml");
    let deps = text.split("[dependencies]").nth(1).expect("[dependencies]").split("\n[").next().unwrap_or("");
    let names = deps
        .lines()
        .map(|l| l.split(['.', '=', ' ']).next().unwrap_or(""))
        .filter(|n| !n.is_empty() && !n.starts_with('#'));
    let more = names.filter(|n| !allowed.contains(n)).map(str::to_owned).collect();
    none(more, "what the core may depend on is in the design; a clock or a socket could come in by any other crate");
}

#[test]
fn every_setting_has_a_reader() {
    let core = Crate::read(&top().join("core/src"));
    let of = |path: &str| core.files.iter().find(|file| file.path == path).expect(path);
    let read = |field: &str| {
        let read = format!(".{field}");
        let names = |code: &str| {
            code.match_indices(&read)
                .any(|(at, _)| !code[at + read.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_'))
        };
        let server = Crate::read(&top().join("server/src"));
        let files = core.files.iter().filter(|file| !file.path.starts_with("config/"));
        files.chain(&server.files).any(|file| names(&file.code))
    };
    let fields = of("config/settings.rs").code.lines().filter_map(|line| {
        let (field, value) = line.trim().split_once(": ")?;
        let field = field.rsplit(' ').next()?;
        value.starts_with("self.").then_some(field.to_owned())
    });
    let fields: Vec<String> = fields.collect();
    assert!(fields.len() > 30, "settings.rs reads the table otherwise than this test knows");
    let unread = fields.into_iter().filter(|field| !read(field)).collect();
    none(unread, "a config that nobody reads has no meaning here: it is `Use::Idle`, which warns, and no field");
}
