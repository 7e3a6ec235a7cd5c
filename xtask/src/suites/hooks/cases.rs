//! What hooks must reject and accept.

use std::fs;

use anyhow::{Result, ensure};

use super::repository::{PAGE, PART, PROJECT, Repository, at};

/// A case.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// What is expected, for the table.
    pub(super) expected: &'static str,
    pub(super) run: fn(&Repository) -> Result<()>,
}

/// A part of the finding about the picture.
const PICTURE: &str = "(referenced as \"a.png\")";

const REJECTED: &str = "rejected";
const ACCEPTED: &str = "accepted";
const BOTH: &str = "both";

pub(super) const CASES: &[Case] = &[
    Case { name: "rename", expected: REJECTED, run: rename },
    Case { name: "delete", expected: REJECTED, run: delete },
    Case { name: "configuration alone", expected: REJECTED, run: configuration },
    Case { name: "staged part wrong, working tree right", expected: REJECTED, run: staged_wrong },
    Case { name: "staged part right, working tree wrong", expected: ACCEPTED, run: staged_right },
    Case { name: "unrelated change", expected: ACCEPTED, run: unrelated },
    Case { name: "file not added", expected: REJECTED, run: untracked },
    Case { name: "spaces and $ in names", expected: REJECTED, run: odd_names },
    Case { name: "from a subdirectory", expected: REJECTED, run: subdirectory },
    Case { name: "git commit -a, and with a path", expected: BOTH, run: other_index },
    Case { name: "first commit", expected: BOTH, run: first_commit },
    Case { name: "merge in progress", expected: BOTH, run: |repository| in_progress(repository, "merge") },
    Case { name: "rebase in progress", expected: BOTH, run: |repository| in_progress(repository, "rebase") },
    Case { name: "worktree", expected: REJECTED, run: worktree },
    Case { name: "submodule", expected: BOTH, run: submodule },
    Case { name: "2,500 staged files, one finding", expected: REJECTED, run: many },
];

fn rename(repository: &Repository) -> Result<()> {
    repository.git(&["mv", &at("a.png"), &at("b.png")])?;
    repository.rejects(PICTURE)?;
    repository.git(&["reset", "-q", "--hard"])?;
    repository.git(&["mv", &at("compositions/intro.html"), &at("compositions/outro.html")])?;
    repository.rejects("(referenced as \"compositions/intro.html\")")
}

fn delete(repository: &Repository) -> Result<()> {
    for path in ["a.png", "look.css", "compositions/intro.html"] {
        repository.git(&["rm", "-q", &at(path)])?;
        repository.rejects(&format!("(referenced as {path:?})"))?;
        repository.git(&["reset", "-q", "--hard"])?;
    }
    Ok(())
}

fn configuration(repository: &Repository) -> Result<()> {
    let wrong = PAGE.replace("a.png", "gone.png");
    repository.stage(&at("index.html"), &wrong)?;
    repository.stage("hyperframes-ci.toml", "[check]\nallow = [\"missing-asset\", \"mount-missing\"]\n")?;
    repository.accepts()?;
    repository.stage("hyperframes-ci.toml", "[check]\nallow = [\"mount-missing\"]\n")?;
    repository.git(&["rm", "-rq", "--cached", "videos/old"])?;
    repository.rejects("(referenced as \"gone.png\")")
}

fn staged_wrong(repository: &Repository) -> Result<()> {
    repository.stage(&at("index.html"), &PAGE.replace("a.png", "gone.png"))?;
    repository.write(&at("index.html"), PAGE)?;
    repository.rejects("(referenced as \"gone.png\")")
}

fn staged_right(repository: &Repository) -> Result<()> {
    repository.stage(&at("look.css"), "p { color: blue }\n")?;
    repository.write(&at("index.html"), &PAGE.replace("a.png", "gone.png"))?;
    repository.accepts()?;
    let left = fs::read_to_string(repository.folder.join(at("index.html")))?;
    ensure!(left.contains("gone.png"), "the working tree has lost its change");
    Ok(())
}

fn unrelated(repository: &Repository) -> Result<()> {
    repository.stage("README.md", "Changed\n")?;
    repository.accepts()?;
    repository.stage("page.html", "<p><img src=\"gone.png\">\n")?;
    repository.accepts()
}

fn untracked(repository: &Repository) -> Result<()> {
    repository.stage(&at("index.html"), &PAGE.replace("a.png", "new.png"))?;
    repository.write(&at("new.png"), "\u{89}PNG")?;
    repository.rejects(&format!("`git add {PROJECT}/new.png`"))?;
    repository.git(&["add", "-A"])?;
    repository.accepts()
}

fn odd_names(repository: &Repository) -> Result<()> {
    let folder = "videos/a $HOME b";
    repository.stage(&format!("{folder}/index.html"), &PAGE.replace("a.png", "it's $x.png"))?;
    repository.stage(&format!("{folder}/look.css"), "")?;
    repository.stage(&format!("{folder}/compositions/intro.html"), PART)?;
    repository.write(&format!("{folder}/it's $x.png"), "\u{89}PNG")?;
    repository.rejects(r"`git add 'videos/a $HOME b/it'\''s $x.png'`")
}

fn subdirectory(repository: &Repository) -> Result<()> {
    repository.git(&["rm", "-q", &at("a.png")])?;
    repository.rejects_in(&at("compositions"), &[], PICTURE)
}

fn other_index(repository: &Repository) -> Result<()> {
    fs::remove_file(repository.folder.join(at("a.png")))?;
    repository.rejects_in("", &["-a"], PICTURE)?;
    repository.git(&["rm", "-q", "--cached", &at("a.png")])?;
    repository.write("README.md", "Changed\n")?;
    repository.accepts_with(&["--", "README.md"])
}

fn first_commit(repository: &Repository) -> Result<()> {
    repository.git(&["checkout", "-q", "--orphan", "fresh"])?;
    repository.git(&["rm", "-rq", "--cached", "videos/old", &at("a.png")])?;
    repository.rejects("`git add videos/launch/a.png`")?;
    repository.git(&["add", &at("a.png")])?;
    repository.accepts()
}

fn in_progress(repository: &Repository, command: &str) -> Result<()> {
    repository.git(&["checkout", "-q", "-b", "side"])?;
    repository.git(&["mv", &at("a.png"), &at("b.png")])?;
    repository.stage(&at("index.html"), &PAGE.replace("a.png", "b.png"))?;
    repository.git(&["commit", "-qm", "side"])?;
    repository.git(&["checkout", "-q", "main"])?;
    let ours = PAGE.replace("alt=\"\"", "alt=\"A\"");
    repository.stage(&at("index.html"), &ours)?;
    repository.git(&["commit", "-qm", "ours"])?;
    ensure!(repository.git(&[command, "side"]).is_err(), "{command} must stop at a conflict");
    // One side's name of the picture, which the other has renamed.
    repository.stage(&at("index.html"), &ours)?;
    repository.rejects(PICTURE)?;
    repository.stage(&at("index.html"), &ours.replace("a.png", "b.png"))?;
    repository.accepts()
}

fn worktree(repository: &Repository) -> Result<()> {
    let path = repository.folder.with_extension("worktree");
    repository.git(&["worktree", "add", "-q", "-b", "other", &path.display().to_string()])?;
    let other = Repository { folder: path };
    if repository.folder.join(".husky").is_dir() {
        // husky's own part of the hook is not committed; `npm install` makes it in each worktree.
        let modules = fs::read_link(repository.folder.join("node_modules"))?;
        other.link(&modules, "node_modules")?;
        other.run(std::process::Command::new("node").arg(modules.join("husky/bin.js")))?;
    }
    other.git(&["rm", "-q", &at("a.png")])?;
    other.rejects(PICTURE)
}

fn submodule(repository: &Repository) -> Result<()> {
    let library = Repository::template(&repository.folder.with_extension("library"), &|_| Ok(()))?;
    repository.git(&["submodule", "--quiet", "add", &library.folder.display().to_string(), "library"])?;
    let page = PAGE.replace("a.png", "../../library/videos/launch/a.png");
    repository.stage(&at("index.html"), &page)?;
    repository.accepts()?;
    let inside = Repository { folder: repository.folder.join("library") };
    inside.git(&["rm", "-q", &at("a.png")])?;
    inside.git(&["commit", "-qm", "x"])?;
    repository.git(&["add", "library"])?;
    repository.rejects("(referenced as \"../../library/videos/launch/a.png\")")
}

fn many(repository: &Repository) -> Result<()> {
    for number in 0..2500 {
        repository.write(
            &at(&format!("assets/with/a/long/name/so/that/a/command/line/is/full/{number}.png")),
            "x",
        )?;
    }
    repository.git(&["add", "-A"])?;
    repository.git(&["rm", "-q", &at("a.png")])?;
    repository.rejects(PICTURE)
}
