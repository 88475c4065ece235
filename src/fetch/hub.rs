//! The Hugging Face Hub, with the cache that Python's `huggingface_hub` keeps: `blobs/ETAG`, `snapshots/COMMIT/FILE`
//! linked to it, `refs/REVISION`. A file that Python has fetched is not fetched again, and the other way round.
//!
//! The layout is the `hf-hub` crate's; the requests are ours. Of that crate, 0.5 knows neither system certificates nor
//! time limits and appends to a partial file whatever the server sends, and 1.0 starts an interrupted file anew.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use super::http::{Head, origin};
use super::{FetchError, FetchEvent, FetchWatch, Fetched, Store, lock, place};
use crate::model::{Compression, FileSpec, ModelSpec};

pub(super) struct Hub<'a> {
    store: &'a Store,
}

/// What the Hub says about a file.
struct Metadata {
    url: String,
    commit: String,
    /// SHA-256 for large files, git's own digest for small ones: the name of the blob.
    etag: String,
    size: Option<u64>,
}

impl<'a> Hub<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Hub { store }
    }

    /// The wanted files, from the cache where it has them, and the commit they belong to: `at` where that is given, because other
    /// files of the model are of it, else that of the revision.
    pub(super) fn pull(
        &self,
        spec: &ModelSpec,
        (repo, revision): (&str, &str),
        at: Option<&str>,
        wanted: &[&FileSpec],
        dir: &Path,
        watch: &dyn FetchWatch,
    ) -> Result<(Vec<Fetched>, String), FetchError> {
        let options = &self.store.options;
        let offline = options.offline || options.hub.offline;
        let unreachable = if offline { None } else { self.store.hub_reachable().err() };
        if offline || unreachable.is_some() {
            let cached = self.find_cached(spec, (repo, revision), at, wanted, dir, watch)?;
            return cached
                .ok_or_else(|| unreachable.unwrap_or(FetchError::Offline { model: spec.name.clone() }));
        }
        // All files have to be of one commit, whatever happens to the branch meanwhile.
        let mut commit = at.map(str::to_owned);
        let mut fetched = Vec::new();
        for file in wanted {
            let mut found = None;
            for candidate in candidates(file) {
                found = self.pull_file(spec, (repo, revision), &mut commit, &candidate, dir, watch)?;
                if found.is_some() {
                    break;
                }
            }
            match found {
                Some(one) => fetched.push(one),
                None if file.optional => {}
                None => {
                    let what = self.url(repo, revision, &file.members()[0]);
                    return Err(FetchError::NotFound { what });
                }
            }
        }
        let commit = commit.unwrap_or_else(|| revision.into());
        // Python finds a revision by this, so it may only name what is whole.
        if at.is_none() && revision != commit {
            let cache = self.cache(repo, revision);
            cache.create_ref(&commit).map_err(|e| FetchError::io(&pointer_root(&cache), e))?;
        }
        Ok((fetched, commit))
    }

    /// `None` when the repository has no such file.
    fn pull_file(
        &self,
        spec: &ModelSpec,
        (repo, revision): (&str, &str),
        commit: &mut Option<String>,
        file: &FileSpec,
        dir: &Path,
        watch: &dyn FetchWatch,
    ) -> Result<Option<Fetched>, FetchError> {
        let mut paths = Vec::new();
        for member in file.members() {
            let at = commit.as_deref().unwrap_or(revision);
            let Some(metadata) = self.metadata(repo, at, member)? else { return Ok(None) };
            paths.push(self.fetch_member(spec, (repo, revision), member, &metadata, watch)?);
            commit.get_or_insert(metadata.commit);
        }
        self.finish(spec, file, paths, dir, watch).map(Some)
    }

    /// One file as it lies in the cache, or joined and unpacked into the model's own folder.
    fn finish(
        &self,
        spec: &ModelSpec,
        file: &FileSpec,
        paths: Vec<PathBuf>,
        dir: &Path,
        watch: &dyn FetchWatch,
    ) -> Result<Fetched, FetchError> {
        if let ([path], Compression::None) = (&paths[..], file.compression) {
            let sha256 = lock::sha256_of_file(path, &file.name, watch)?;
            let size = fs::metadata(path).map_err(|e| FetchError::io(path, e))?.len();
            place::check(spec, file, size, &sha256)?;
            return Ok(Fetched { name: file.name.clone(), path: path.clone(), sha256, size });
        }
        place::join_parts(spec, file, dir, paths.len(), |i, sink| place::feed_file(&paths[i], sink), watch)
    }

    /// The path of a file in the snapshot, downloaded unless the cache has it intact.
    fn fetch_member(
        &self,
        spec: &ModelSpec,
        (repo, revision): (&str, &str),
        member: &str,
        metadata: &Metadata,
        watch: &dyn FetchWatch,
    ) -> Result<PathBuf, FetchError> {
        let cache = self.cache(repo, revision);
        let pointer = cache.pointer_path(&metadata.commit).join(member);
        let folder = pointer_root(&cache);
        let blob = folder.join("blobs").join(&metadata.etag);
        let _guard = self.hold(&folder, &metadata.etag)?;
        let linked = fs::canonicalize(&pointer).ok();
        for candidate in [Some(&blob), linked.as_ref()].into_iter().flatten() {
            if candidate.exists() && !intact(candidate, metadata, member, watch)? {
                watch.event(FetchEvent::Note(&format!(
                    "{member} in the Hub cache is damaged; fetching it again"
                )));
                // A link may lead to a file of somebody else, that is not ours to delete.
                let is_ours = fs::canonicalize(&folder).is_ok_and(|folder| candidate.starts_with(folder))
                    || candidate == &blob;
                let damaged = if is_ours { candidate } else { &pointer };
                fs::remove_file(damaged).map_err(|e| FetchError::io(damaged, e))?;
            }
        }
        if !blob.exists() && !pointer.exists() {
            let parent = folder.join("blobs");
            fs::create_dir_all(&parent).map_err(|e| FetchError::io(&parent, e))?;
            let part = parent.join(format!("{}.incomplete", metadata.etag));
            let token = self.store.options.hub.token.as_deref();
            self.store.http.download(&metadata.url, token, &part, metadata.size, member, watch)?;
            if !intact(&part, metadata, member, watch)? {
                let _ = fs::remove_file(&part); // the next attempt must not build on it
                return Err(place::altered(spec, member, "is not what the Hub announced".into()));
            }
            fs::rename(&part, &blob).map_err(|e| FetchError::io(&blob, e))?;
        }
        if blob.exists() {
            link(&blob, &pointer, member).map_err(|e| FetchError::io(&pointer, e))?;
        }
        Ok(pointer)
    }

    /// The files as the cache has them, with no request made.
    fn find_cached(
        &self,
        spec: &ModelSpec,
        (repo, revision): (&str, &str),
        at: Option<&str>,
        wanted: &[&FileSpec],
        dir: &Path,
        watch: &dyn FetchWatch,
    ) -> Result<Option<(Vec<Fetched>, String)>, FetchError> {
        let cache = self.cache(repo, revision);
        let reference = || fs::read_to_string(pointer_root(&cache).join("refs").join(revision));
        let commit = match at {
            Some(commit) => commit.to_owned(),
            None => reference().map_or_else(|_| revision.to_owned(), |text| text.trim().to_owned()),
        };
        let snapshot = cache.pointer_path(&commit);
        let in_snapshot = |file: &FileSpec| {
            let paths: Vec<_> = file.members().iter().map(|m| snapshot.join(m)).collect();
            paths.iter().all(|p| p.is_file()).then_some(paths)
        };
        let mut fetched = Vec::new();
        for file in wanted {
            match candidates(file).into_iter().find_map(|c| in_snapshot(&c).map(|paths| (c, paths))) {
                Some((file, paths)) => fetched.push(self.finish(spec, &file, paths, dir, watch)?),
                None if file.optional => {}
                None => return Ok(None),
            }
        }
        Ok(Some((fetched, commit)))
    }

    fn metadata(&self, repo: &str, revision: &str, member: &str) -> Result<Option<Metadata>, FetchError> {
        let mut url = self.url(repo, revision, member);
        let mut head = self.store.http.head(&url, self.store.options.hub.token.as_deref())?;
        // A renamed repository answers with a path; a large file with the address of its store, which is not followed.
        for _ in 0..3 {
            match head.header("location") {
                Some(path) if head.status.is_redirection() && path.starts_with('/') => {
                    url = format!("{}{path}", origin(&url));
                    head = self.store.http.head(&url, self.store.options.hub.token.as_deref())?;
                }
                _ => break,
            }
        }
        match head.status.as_u16() {
            200..=399 => self.read_metadata(url, &head).map(Some),
            404 if head.header("x-error-code").is_none_or(|code| code == "EntryNotFound") => Ok(None),
            404 => Err(FetchError::NotFound { what: url }),
            // The Hub answers 401 for a repository that does not exist, too.
            401 | 403 => Err(FetchError::Denied { what: url }),
            code => Err(FetchError::Http { what: url, message: format!("the server answered {code}") }),
        }
    }

    fn read_metadata(&self, url: String, head: &Head) -> Result<Metadata, FetchError> {
        let etag = head.header("x-linked-etag").or_else(|| head.header("etag"));
        let etag = etag.map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_string());
        let commit = head.header("x-repo-commit").map(str::to_string);
        // Both become names of files.
        let plain = |name: &String| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        };
        let (Some(etag), Some(commit)) = (etag.filter(plain), commit.filter(plain)) else {
            return Err(FetchError::Http { what: url, message: "the answer is not one of the Hub".into() });
        };
        let size = if head.status.is_redirection() {
            head.header("x-linked-size")
        } else {
            head.header("x-linked-size").or_else(|| head.header("content-length"))
        };
        Ok(Metadata { url, commit, etag, size: size.and_then(|size| size.parse().ok()) })
    }

    fn url(&self, repo: &str, revision: &str, member: &str) -> String {
        let endpoint = &self.store.options.hub.endpoint;
        format!("{endpoint}/{repo}/resolve/{}/{}", revision.replace('/', "%2F"), member.replace(' ', "%20"))
    }

    fn cache(&self, repo: &str, revision: &str) -> CacheRepo {
        let repo = Repo::with_revision(repo.into(), RepoType::Model, revision.into());
        Cache::new(self.store.options.hub.cache.clone()).repo(repo)
    }

    /// The lock that `huggingface_hub` takes, too.
    fn hold(&self, folder: &Path, etag: &str) -> Result<File, FetchError> {
        let locks = self.store.options.hub.cache.join(".locks").join(folder.file_name().unwrap_or_default());
        fs::create_dir_all(&locks).map_err(|e| FetchError::io(&locks, e))?;
        let path = locks.join(format!("{etag}.lock"));
        let file = File::create(&path).map_err(|e| FetchError::io(&path, e))?;
        file.lock().map_err(|e| FetchError::io(&path, e))?;
        Ok(file)
    }
}

/// The file, then its stand-in.
fn candidates(file: &FileSpec) -> Vec<FileSpec> {
    let stand_in = file.instead.as_ref().map(|name| FileSpec {
        name: name.clone(),
        parts: Vec::new(),
        sha256: None,
        size: None,
        ..file.clone()
    });
    [Some(file.clone()), stand_in].into_iter().flatten().collect()
}

/// The repository's folder in the cache: two levels above a snapshot.
fn pointer_root(cache: &CacheRepo) -> PathBuf {
    let mut path = cache.pointer_path("commit");
    path.pop();
    path.pop();
    path
}

/// By size, and by digest where the Hub names a SHA-256.
fn intact(path: &Path, metadata: &Metadata, name: &str, watch: &dyn FetchWatch) -> Result<bool, FetchError> {
    let size = fs::metadata(path).map_err(|e| FetchError::io(path, e))?.len();
    if metadata.size.is_some_and(|stated| stated != size) {
        return Ok(false);
    }
    Ok(metadata.etag.len() != 64 || lock::sha256_of_file(path, name, watch)? == metadata.etag)
}

fn link(blob: &Path, pointer: &Path, member: &str) -> std::io::Result<()> {
    if pointer.exists() {
        return Ok(());
    }
    if let Some(parent) = pointer.parent() {
        fs::create_dir_all(parent)?;
    }
    let _ = fs::remove_file(pointer); // a link to a blob that is no more
    let name = blob.file_name().unwrap_or_default();
    let up = "../".repeat(2 + member.matches('/').count());
    let relative = Path::new(&up).join("blobs").join(name);
    #[cfg(unix)]
    return std::os::unix::fs::symlink(relative, pointer);
    // Windows lets only some users make links; Python moves the file then, and so do we.
    #[cfg(windows)]
    return std::os::windows::fs::symlink_file(relative, pointer).or_else(|_| fs::rename(blob, pointer));
    #[cfg(not(any(unix, windows)))]
    return {
        let _ = relative;
        fs::rename(blob, pointer)
    };
}
