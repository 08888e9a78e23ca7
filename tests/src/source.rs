//! Rust sources as the tidy test sees them: modules of one crate, the layers its `lib.rs` lists, and which file uses which.
//!
//! A reader of text, not a compiler: comments, string contents and test modules are blanked first; then every path that
//! begins with `crate::`, `super::` or `self::` is followed through the module tree, and through re-exports, to a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// One source file of a crate.
#[derive(Debug)]
pub struct File {
    /// Relative to the crate's `src`, with `/`.
    pub path: String,
    /// Its module path: `["log", "append"]`; the crate's root has none.
    pub module: Vec<String>,
    pub text: String,
    /// [`File::text`] without comments, contents of strings and test modules; the same number of lines. Of a file that
    /// is a test module, nothing is left.
    pub code: String,
}

/// All files of one crate.
#[derive(Debug)]
pub struct Crate {
    pub files: Vec<File>,
    by_module: BTreeMap<Vec<String>, usize>,
}

/// A use of one file by another: `line` is where, in the file that uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: usize,
    pub to: usize,
    pub line: usize,
}

impl Crate {
    /// Reads `src` and everything below it.
    pub fn read(src: &Path) -> Self {
        let mut paths = Vec::new();
        walk(src, &mut paths);
        let texts = paths.into_iter().map(|path| {
            let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (path.strip_prefix(src).expect("below src").to_string_lossy().into_owned(), text)
        });
        Self::of(texts)
    }

    /// From (path, text) pairs, sorted by path.
    pub fn of(texts: impl IntoIterator<Item = (String, String)>) -> Self {
        let files: Vec<File> = texts
            .into_iter()
            .map(|(path, text)| File { module: module_of(&path), code: blank(&text), path, text })
            .collect();
        // A crate with both has `lib.rs` as its root: `main.rs` is a crate of its own that only uses it.
        let modules = files.iter().enumerate().filter(|(_, f)| f.path != "main.rs");
        let by_module = modules.map(|(i, f)| (f.module.clone(), i)).collect();
        let mut krate = Self { files, by_module };
        let tests: Vec<usize> = (0..krate.files.len()).filter(|i| krate.is_test(&krate.files[*i].module)).collect();
        for i in tests {
            krate.files[i].code = blanks(&krate.files[i].text);
        }
        krate
    }

    /// Whether a module, or one above it, is declared under `#[cfg(test)]`.
    fn is_test(&self, module: &[String]) -> bool {
        let Some((name, above)) = module.split_last() else { return false };
        let declared = |code: &str| {
            code.lines().any(|l| l.trim().ends_with(&format!("mod {name};")) && !l.trim().starts_with("//"))
        };
        let here = self.by_module.get(above).map(|i| &self.files[*i]);
        here.is_some_and(|f| declared(&f.text) && !declared(&f.code)) || self.is_test(above)
    }

    /// The text of `lib.rs`.
    pub fn root(&self) -> &File {
        &self.files[self.by_module[&Vec::new()]]
    }

    /// The layers in `lib.rs`'s table, top first; a row whose first cell names several folders gives them in their order.
    pub fn layers(&self) -> Vec<String> {
        let rows = self.root().text.lines().filter_map(|l| l.strip_prefix("//! | "));
        rows.filter_map(|row| row.split(" | ").next())
            .flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }

    /// Who uses whom.
    pub fn edges(&self) -> BTreeSet<Edge> {
        let mut edges = BTreeSet::new();
        for (from, file) in self.files.iter().enumerate() {
            for (path, line) in paths_in(file) {
                if let Some(to) = self.resolve(&path, 8)
                    && to != from
                {
                    edges.insert(Edge { from, to, line });
                }
            }
        }
        edges
    }

    /// The file that an absolute module path leads to. A name that a module only re-exports leads on to where it comes from.
    fn resolve(&self, path: &[String], depth: u8) -> Option<usize> {
        let known = (0..=path.len()).rev().find_map(|n| self.by_module.get(&path[..n]).map(|i| (n, *i)));
        let (n, file) = known?;
        let Some(name) = path.get(n) else { return Some(file) };
        if depth == 0 {
            return Some(file);
        }
        for (mut target, public, _) in uses_of(&self.files[file]) {
            if public && target.last() == Some(name) && target != path {
                target.extend(path[n + 1..].iter().cloned());
                return self.resolve(&target, depth - 1).or(Some(file));
            }
        }
        Some(file)
    }
}

/// Every circle of files that use each other: sets of more than one file, each reachable from each.
pub fn circles(files: usize, edges: &BTreeSet<Edge>) -> Vec<Vec<usize>> {
    let reach = |start: usize| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![start]);
        while let Some(at) = todo.pop() {
            for e in edges.iter().filter(|e| e.from == at) {
                if seen.insert(e.to) {
                    todo.push(e.to);
                }
            }
        }
        seen
    };
    let reached: Vec<_> = (0..files).map(reach).collect();
    let mut out: Vec<Vec<usize>> = Vec::new();
    for i in (0..files).filter(|i| reached[*i].contains(i)) {
        if !out.iter().any(|c| c.contains(&i)) {
            out.push(reached[i].iter().copied().filter(|j| reached[*j].contains(&i)).collect());
        }
    }
    out
}

fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        fs::read_dir(dir).expect("a folder of sources").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn module_of(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

/// The absolute paths that a file's code names, with the line of each. Re-exports count only where the code also uses the name.
fn paths_in(file: &File) -> Vec<(Vec<String>, usize)> {
    let uses = uses_of(file);
    let mut out = Vec::new();
    let mut rest = file.code.clone();
    for (start, end) in use_spans(&file.code) {
        rest.replace_range(start..end, &blanks(&file.code[start..end]));
    }
    for (path, public, line) in uses {
        if !public || path.last().is_some_and(|name| has_word(&rest, name)) {
            out.push((path, line));
        }
    }
    for head in ["crate::", "super::", "self::"] {
        for (at, _) in rest.match_indices(head) {
            if rest[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let path: String =
                rest[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
            let parts: Vec<&str> = path.split("::").filter(|p| !p.is_empty()).collect();
            if let Some(path) = absolute(&parts, &file.module) {
                out.push((path, line_of(&file.code, at)));
            }
        }
    }
    out
}

/// The `use` declarations of a file that stay inside the crate: absolute path, whether re-exported, line.
fn uses_of(file: &File) -> Vec<(Vec<String>, bool, usize)> {
    let mut out = Vec::new();
    for (start, end) in use_spans(&file.code) {
        let text = &file.code[start..end];
        let public = text.trim_start().starts_with("pub");
        let tree = text.split_once("use ").map_or("", |(_, t)| t).trim_end_matches(';');
        let mut leaves = Vec::new();
        expand(tree.trim(), &[], &mut leaves);
        for leaf in leaves {
            let parts: Vec<&str> = leaf.iter().map(String::as_str).collect();
            if let Some(path) = absolute(&parts, &file.module).or_else(|| child(&parts, file)) {
                out.push((path, public, line_of(&file.code, start)));
            }
        }
    }
    out
}

/// `pub use disk::Op` in a file that declares `mod disk`.
fn child(parts: &[&str], file: &File) -> Option<Vec<String>> {
    let first = parts.first()?;
    let declared = ["mod ", "pub mod ", "pub(crate) mod "]
        .iter()
        .any(|m| file.code.lines().any(|l| l.trim() == format!("{m}{first};")));
    declared.then(|| file.module.iter().cloned().chain(parts.iter().map(|p| (*p).to_owned())).collect())
}

/// Spans of `use …;` declarations, with their `pub`, one item each.
fn use_spans(code: &str) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        let t = line.trim_start();
        let declares =
            t.starts_with("use ") || t.starts_with("pub use ") || (t.starts_with("pub(") && t.contains(") use "));
        if declares && let Some(end) = code[at..].find(';') {
            out.push((at, at + end + 1));
        }
        at += line.len();
    }
    out
}

/// `a::{b, c::{d, e as f}}` as its leaves.
fn expand(tree: &str, prefix: &[String], out: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let mut prefix = prefix.to_vec();
        prefix.extend(tree[..open].split("::").map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned));
        let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
        let (mut depth, mut start) = (0, 0);
        for (i, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(&inner[start..i], &prefix, out);
                    start = i + 1;
                }
                _ => {}
            }
        }
        expand(&inner[start..], &prefix, out);
    } else if !tree.is_empty() {
        let path = tree.split(" as ").next().unwrap_or(tree);
        let parts = path
            .split("::")
            .map(str::trim)
            .filter(|p| !p.is_empty() && *p != "self" || *p == "self" && prefix.is_empty());
        let mut leaf = prefix.to_vec();
        leaf.extend(parts.filter(|p| *p != "*").map(str::to_owned));
        out.push(leaf);
    }
}

fn absolute(parts: &[&str], module: &[String]) -> Option<Vec<String>> {
    let (mut base, mut rest) = match *parts.first()? {
        "crate" => (Vec::new(), &parts[1..]),
        "self" => (module.to_vec(), &parts[1..]),
        "super" => (module[..module.len().checked_sub(1)?].to_vec(), &parts[1..]),
        _ => return None,
    };
    while rest.first() == Some(&"super") {
        base.pop()?;
        rest = &rest[1..];
    }
    base.extend(rest.iter().map(|p| (*p).to_owned()));
    Some(base)
}

fn has_word(code: &str, word: &str) -> bool {
    let edge = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word)
        .any(|(i, _)| edge(code[..i].chars().next_back()) && edge(code[i + word.len()..].chars().next()))
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

fn blanks(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) }).collect()
}

/// The text without comments, contents of strings and items under `#[cfg(test)]`; lines stay where they are.
pub fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let len = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |i| i + 2),
            '"' => string_end(rest),
            'r' if rest.starts_with("r#\"") => rest[3..].find("\"#").map_or(rest.len(), |i| i + 5),
            '\'' if rest.starts_with("'\"'") => 3,
            '\'' if rest.starts_with("'\\") => rest[3..].find('\'').map_or(rest.len(), |i| i + 4),
            _ => {
                code.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        code.push_str(&blanks(&rest[..len]));
        rest = &rest[len..];
    }
    while let Some(start) = code.find("#[cfg(test)]") {
        let end = item_end(&code[start..]) + start;
        let hole = blanks(&code[start..end]);
        code.replace_range(start..end, &hole);
    }
    code
}

fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return i + 1,
            _ => {}
        }
    }
    text.len()
}

/// Where the item at the start ends: at its `;`, or at the brace that closes its first one.
fn item_end(code: &str) -> usize {
    let mut depth = 0;
    for (i, c) in code.char_indices() {
        match c {
            ';' if depth == 0 => return i + 1,
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return i + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut files: Vec<_> = files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect();
        files.sort();
        let krate = Crate::of(files);
        let name = |i: usize| krate.files[i].path.clone();
        let mut all: Vec<_> = krate.edges().into_iter().map(|e| (name(e.from), name(e.to))).collect();
        all.dedup();
        all
    }

    fn pair(a: &str, b: &str) -> (String, String) {
        (a.to_owned(), b.to_owned())
    }

    #[test]
    fn a_grouped_use_leads_to_each_file() {
        let got = edges(&[
            ("lib.rs", ""),
            ("a.rs", "use crate::{\n  b::{C, d::E},\n};"),
            ("b/mod.rs", "pub struct C;"),
            ("b/d.rs", "pub struct E;"),
        ]);
        assert_eq!(got, [pair("a.rs", "b/d.rs"), pair("a.rs", "b/mod.rs")]);
    }

    #[test]
    fn a_name_that_is_only_passed_on_leads_to_where_it_comes_from() {
        let got = edges(&[
            ("lib.rs", ""),
            ("a.rs", "use crate::b::E;"),
            ("b/mod.rs", "mod d;\npub use d::E;"),
            ("b/d.rs", "pub struct E;"),
        ]);
        assert_eq!(got, [pair("a.rs", "b/d.rs")]);
    }

    #[test]
    fn a_path_without_use_counts_and_text_does_not() {
        let got = edges(&[
            ("lib.rs", ""),
            ("a.rs", "// crate::c\nfn f() { crate::b::g(\"crate::c\") }"),
            ("b.rs", ""),
            ("c.rs", ""),
        ]);
        assert_eq!(got, [pair("a.rs", "b.rs")]);
    }

    #[test]
    fn a_test_module_may_use_what_it_likes() {
        let got = edges(&[
            ("lib.rs", ""),
            ("a.rs", "#[cfg(test)]\nmod tests { use crate::b::X; }\nuse crate::c::Y;"),
            ("b.rs", ""),
            ("c.rs", ""),
        ]);
        assert_eq!(got, [pair("a.rs", "c.rs")]);
    }

    #[test]
    fn a_file_that_is_a_test_module_may_too_and_so_may_those_below_it() {
        let got = edges(&[
            ("lib.rs", "mod a;\nmod b;"),
            ("a/mod.rs", "mod real;\n#[cfg(test)]\nmod tests;"),
            ("a/real.rs", "use crate::b::X;"),
            ("a/tests/mod.rs", "mod below;\nuse crate::b::X;"),
            ("a/tests/below.rs", "use crate::b::X;"),
            ("b.rs", ""),
        ]);
        assert_eq!(got, [pair("a/real.rs", "b.rs")]);
    }

    #[test]
    fn circles_are_found_and_chains_are_not() {
        let e = |from, to| Edge { from, to, line: 1 };
        let edges = [e(0, 1), e(1, 2), e(2, 1), e(2, 3)].into_iter().collect();
        assert_eq!(circles(4, &edges), [vec![1, 2]]);
    }

    #[test]
    fn layers_come_from_the_table_in_its_order() {
        let lib = "//! | folder | what |\n//! |---|---|\n//! | `api` | x |\n//! | `time` `id` | y `z` |\n";
        assert_eq!(Crate::of([("lib.rs".to_owned(), lib.to_owned())]).layers(), ["api", "time", "id"]);
    }
}
