//! `meta.properties`: whose the data folder is.
//!
//! ```text
//! version=1
//! node.id=1
//! directory.id=W3tlSTdWSAGuUcXwYPGz7A
//! cluster.id=q1Sh-9_ISia_zwGINzRvyQ     once the cluster has one
//! esker.format=3
//! ```
//! The first four are Kafka's (`MetaProperties`, version 1). The last says that the metadata log beside it is Esker's.

use crate::exit::{Code, Failure};
use crate::{durable, files, properties};
use esker_core::config::Given;
use esker_core::id::Uuid;
use esker_core::log::layout::FORMAT;
use std::path::Path;

/// The journal: no other program's folder has it.
pub const JOURNAL: &str = "esker.journal";

const FILE: &str = "meta.properties";
const METADATA_LOG: &str = "__cluster_metadata-0";
const OLDER: [&str; 2] = ["1", "2"];

/// What the folder says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Folder {
    pub directory: Uuid,
    pub cluster: Option<String>,
    /// Nothing was written down yet, or by an older program.
    pub is_new: bool,
}

/// Looks whether the folder can be this node's. Writes nothing.
pub fn look(folder: &Path, node: i32, cluster: Option<&str>, fresh: Uuid) -> Result<Folder, Failure> {
    let text = match std::fs::read_to_string(folder.join(FILE)) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
            if folder.join(METADATA_LOG).exists() {
                return Err(refusal(
                    folder,
                    "holds a metadata log without meta.properties; it is damaged or not Esker's",
                ));
            }
            return Ok(Folder { directory: fresh, cluster: cluster.map(String::from), is_new: true });
        }
        // The folder, or one above it, is a file.
        Err(why) if why.kind() == std::io::ErrorKind::NotADirectory => {
            return Err(refusal(folder, "is not to be had: it is a file, or under one; give --data another folder"));
        }
        Err(why) => return Err(refusal(folder, &format!("has a meta.properties that cannot be read: {why}"))),
    };
    let meta = properties::parse(&text).map_err(|_| refusal(folder, "has a meta.properties that cannot be read"))?;
    belongs(folder, &meta, node, cluster)?;
    let ours = meta.get("esker.format");
    if ours.is_none() && folder.join(JOURNAL).exists() {
        let why = "has a meta.properties without its line esker.format, and a journal of Esker's: the file was cut or changed; put it back";
        return Err(refusal(folder, why));
    }
    if ours.is_none() && folder.join(METADATA_LOG).exists() {
        return Err(refusal(
            folder,
            "holds Apache Kafka's metadata log, which cannot be imported yet; give --data another folder",
        ));
    }
    let directory = meta.get("directory.id").and_then(|id| Uuid::parse(id));
    let cluster = meta.get("cluster.id").cloned().or_else(|| cluster.map(String::from));
    Ok(Folder { directory: directory.unwrap_or(fresh), cluster, is_new: ours.is_none_or(|format| format != FORMAT) })
}

fn belongs(folder: &Path, meta: &Given, node: i32, cluster: Option<&str>) -> Result<(), Failure> {
    let Some(theirs) = meta.get("node.id").and_then(|id| id.parse::<i32>().ok()) else {
        let why = "has a meta.properties without a node.id, so it cannot be told whose it is; put the file back, or give --data another folder";
        return Err(refusal(folder, why));
    };
    if theirs != node {
        return Err(refusal(folder, &format!("belongs to node {theirs}, and this is node {node}")));
    }
    if let (Some(theirs), Some(ours)) = (meta.get("cluster.id"), cluster)
        && theirs != ours
    {
        return Err(refusal(folder, &format!("belongs to cluster {theirs}, and cluster.id is {ours}")));
    }
    match meta.get("esker.format").map(String::as_str) {
        None | Some(FORMAT) => Ok(()),
        Some(older) if OLDER.contains(&older) => Ok(()),
        Some(other) => Err(refusal(folder, &format!("has format {other}; this program knows {FORMAT}"))),
    }
}

fn refusal(folder: &Path, why: &str) -> Failure {
    Failure::new(Code::Folder, format!("data folder {} {why}", folder.display()))
}

/// Writes down whose the folder is, durably.
pub fn write(folder: &Path, node: i32, found: &Folder) -> std::io::Result<()> {
    let mut text = format!("version=1\nnode.id={node}\ndirectory.id={}\n", found.directory);
    if let Some(cluster) = &found.cluster {
        text.push_str(&format!("cluster.id={cluster}\n"));
    }
    text.push_str(&format!("esker.format={FORMAT}\n"));
    files::replace(&folder.join(FILE), text.as_bytes())?;
    durable::sync_dir(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_is_taken_and_known_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let found = look(path, 1, None, Uuid(7)).unwrap();
        assert!(found.is_new && found.directory == Uuid(7));
        assert_eq!(std::fs::read_dir(path).unwrap().count(), 0, "a look writes nothing");
        write(path, 1, &found).unwrap();
        let again = look(path, 1, None, Uuid(8)).unwrap();
        assert!(!again.is_new && again.directory == Uuid(7));
    }

    #[test]
    fn anothers_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let found = Folder { directory: Uuid(7), cluster: Some("one".into()), is_new: true };
        write(path, 1, &found).unwrap();
        assert!(look(path, 2, None, Uuid(8)).unwrap_err().line.contains("node 1"));
        assert!(look(path, 1, Some("two"), Uuid(8)).unwrap_err().line.contains("cluster one"));
        assert_eq!(look(path, 1, Some("one"), Uuid(8)).unwrap().cluster.as_deref(), Some("one"));
    }

    #[test]
    fn what_is_no_meta_properties_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for garbage in [&b"garbage"[..], b"", b"node.id=one\n", b"\xff\xfe\x00"] {
            std::fs::write(path.join(FILE), garbage).unwrap();
            let line = look(path, 1, None, Uuid(8)).unwrap_err().line;
            assert!(line.contains("meta.properties") && !line.contains("belongs"), "{line}");
        }
    }

    #[test]
    fn a_file_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        for path in [file.clone(), file.join("below")] {
            let refused = look(&path, 1, None, Uuid(8)).unwrap_err();
            assert!(refused.code == Code::Folder && refused.line.contains("is a file"), "{}", refused.line);
            assert!(refused.line.contains(&path.display().to_string()) && !refused.line.contains("meta"));
        }
    }

    #[test]
    fn an_older_folder_is_written_down_anew_and_a_newer_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let text =
            |format| format!("version=1\nnode.id=1\ndirectory.id=W3tlSTdWSAGuUcXwYPGz7A\nesker.format={format}\n");
        std::fs::create_dir(path.join(METADATA_LOG)).unwrap();
        for older in [1, 2] {
            std::fs::write(path.join(FILE), text(older)).unwrap();
            let found = look(path, 1, None, Uuid(8)).unwrap();
            assert!(found.is_new && found.directory.to_string() == "W3tlSTdWSAGuUcXwYPGz7A");
            write(path, 1, &found).unwrap();
            assert_eq!(std::fs::read_to_string(path.join(FILE)).unwrap(), text(3));
        }
        std::fs::write(path.join(FILE), text(4)).unwrap();
        assert!(look(path, 1, None, Uuid(8)).unwrap_err().line.contains("format 4"));
    }

    #[test]
    fn a_cut_meta_properties_is_not_kafkas() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::create_dir(path.join(METADATA_LOG)).unwrap();
        std::fs::write(path.join(FILE), "version=1\nnode.id=1\ndirectory.id=W3tlSTdWSAGuUcXwYPGz7A\n").unwrap();
        assert!(look(path, 1, None, Uuid(8)).unwrap_err().line.contains("Apache Kafka"));
        std::fs::write(path.join(JOURNAL), "").unwrap();
        assert!(look(path, 1, None, Uuid(8)).unwrap_err().line.contains("esker.format"));
    }

    #[test]
    fn kafkas_metadata_log_is_refused_and_its_formatted_folder_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join(FILE), "version=1\nnode.id=1\ncluster.id=abc\ndirectory.id=W3tlSTdWSAGuUcXwYPGz7A\n")
            .unwrap();
        let found = look(path, 1, None, Uuid(8)).unwrap();
        assert_eq!((found.cluster.as_deref(), found.is_new), (Some("abc"), true));
        assert_eq!(found.directory.to_string(), "W3tlSTdWSAGuUcXwYPGz7A");
        std::fs::create_dir(path.join(METADATA_LOG)).unwrap();
        assert!(look(path, 1, None, Uuid(8)).unwrap_err().line.contains("Kafka"));
    }
}
