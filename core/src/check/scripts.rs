//! Checks of scripts: syntax, timelines, libraries, and what differs from run to run.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::graph::Graph;
use super::media_elements::MediaElements;
use super::outline::Node;
use super::page::{Page, Pages};
use super::repair;
use super::unused::Names;
use super::{animations, loading, packages, transitions};
use crate::composition::Measure;
use crate::findings::{Diagnostic, Rule};
use crate::lang::script::{Clock, Library, MediaAction, MediaControl, Repeat, Script, Selector};
use crate::project::{Destination, TextKind};
use crate::text::Span;

/// The attribute of elements that mount a file.
const SOURCE: &str = "data-composition-src";

/// A script with a line of this length, in bytes, is generated.
const LONG_LINE: usize = 2000;

/// Checks the scripts of all compositions that are used, and those of the `entries` (repository paths) together with
/// everything that they load.
pub(super) fn check(
    pages: &Pages<'_>,
    graph: &Graph,
    entries: &[String],
    names: &Names<'_>,
) -> Vec<Diagnostic> {
    let used = graph.used();
    let mounted = pages.all_mounted();
    let ids = pages.all().flat_map(|page| page.outline.hosts()).map(|(id, _)| id).collect();
    let mut found = Vec::new();
    for page in pages.all().filter(|page| used.contains(page.path.as_str())) {
        let is_entry = entries.contains(&page.path) || !mounted.contains(page.path.as_str());
        found.extend(syntax(pages, graph, page, is_entry && !page.outline.is_part()));
        found.extend(packages::check(pages, page));
        if !is_library(page) {
            found.extend(page.facts.scripts.iter().flat_map(|script| timeless(page, script)));
            found.extend(media(pages, graph, page));
            found.extend(loading::handlers(pages, page));
        }
        if page.is_composition() {
            found.extend(mismatches(page, &ids));
        }
    }
    found.extend(animations::check(pages, &used, names));
    found.extend(transitions::check(pages, &used));
    for path in entries {
        let Some(entry) = pages.get(path) else { continue };
        let parts = graph.closure(path, &|_| true).into_iter().filter_map(|path| pages.get(path));
        let film = Film { pages, graph, entry, parts: parts.collect(), moving: RefCell::default() };
        found.extend(film.libraries());
        found.extend(film.timelines());
        found.extend(film.repeats());
    }
    found
}

/// Returns whether a page is a script file of a library, whose code is not the author's.
fn is_library(page: &Page) -> bool {
    let path = page.path.to_ascii_lowercase();
    let is_script = TextKind::of_path(&path) == Some(TextKind::Script);
    is_script
        && (path.contains(".min.")
            || ["vendor/", "node_modules/", "lib/", "libs/"].iter().any(|folder| path.contains(folder))
            || page.source.starts_with("/*!")
            || page.facts.scripts.iter().any(|script| script.provides.names().next().is_some())
            || page.source.lines().any(|line| line.len() > LONG_LINE))
}

/// Finds syntax errors in scripts of a page that is an entry or is only mounted, and in script files that it loads.
fn syntax(pages: &Pages<'_>, graph: &Graph, page: &Page, is_entry: bool) -> Vec<Diagnostic> {
    // A file that no page loads as a script may be anything.
    if TextKind::of_path(&page.path) == Some(TextKind::Script) && !graph.is_loaded(&page.path) {
        return Vec::new();
    }
    let text = page.text();
    // A later step replaces placeholders.
    if ["{{", "{%", "<%"].iter().any(|mark| page.source.contains(mark)) {
        return Vec::new();
    }
    let errors = page.facts.scripts.iter().filter_map(|script| match &script.error {
        Some(error) => Some((&*error.message, error.span)),
        // The engine puts the scripts of mounted pages into functions.
        None => Some(("return outside of a function", script.outer_return.filter(|_| is_entry)?)),
    });
    let errors = errors.map(|(message, span)| (message.to_owned(), span));
    let redeclared = if is_entry { redeclared(pages, page) } else { Vec::new() };
    errors
        .chain(redeclared)
        .map(|(message, span)| {
            let message = format!("the script has a syntax error: {message}");
            let help = "correct the script; browsers run no part of it";
            text.finding(Rule::ScriptSyntaxError, span, message).help(help)
        })
        .collect()
}

/// Finds names that classic scripts of one page declare twice, with `let`, `const` or `class` once or twice. The engine
/// puts the scripts of mounted pages into functions.
fn redeclared(pages: &Pages<'_>, page: &Page) -> Vec<(String, Span)> {
    let nodes = page.outline.nodes.iter().filter(|node| {
        &*node.name == "script"
            && !node.attribute("type").is_some_and(|own| own.eq_ignore_ascii_case("module"))
    });
    let files = nodes.filter_map(|node| {
        let place = node.span_of("src")?;
        let file = pages.get(page.destination(place)?.path()?)?;
        Some((place.start, Some((place, &*file.path)), file.facts.scripts.first()?))
    });
    let own = page.facts.scripts.iter();
    let own = own.filter_map(|script| Some((script.globals.first()?.2.start, None, script)));
    let mut scripts = files.chain(own).collect::<Vec<_>>();
    scripts.sort_by_key(|(start, ..)| *start);
    let mut known = BTreeMap::<&str, bool>::new();
    let mut loaded = BTreeSet::new();
    let mut found = Vec::new();
    for (_, file, script) in scripts {
        // What a file declares the second time is the same.
        if file.is_some_and(|(_, path)| !loaded.insert(path)) {
            continue;
        }
        let is_known = |name: &str, lexical: bool| known.get(name).is_some_and(|known| *known || lexical);
        match script.globals.iter().find(|(name, lexical, _)| is_known(name, *lexical)) {
            Some((name, _, span)) => {
                let span = file.map_or(*span, |(place, _)| place);
                found.push((format!("{name} has already been declared by an earlier script"), span));
            }
            None => {
                for (name, lexical, _) in &script.globals {
                    known.insert(name, *lexical);
                }
            }
        }
    }
    found
}

/// Checks what is independent of other files.
fn timeless(page: &Page, script: &Script) -> Vec<Diagnostic> {
    let text = page.text();
    let mut found = Vec::new();
    for (clock, span) in &script.clocks {
        let (rule, message, help) = match clock {
            Clock::Frame => (
                Rule::RealTimeAnimation,
                "requestAnimationFrame() follows the real clock, not the time of the frame".to_owned(),
                "animate with the timeline, or with its onUpdate callback",
            ),
            Clock::Call(name) => (
                Rule::NondeterministicScript,
                format!("{name} returns another value in every run, so frames differ between renders"),
                "use fixed values, a random number generator with a fixed seed, or times of the timeline",
            ),
            Clock::RandomText => (
                Rule::NondeterministicScript,
                "GSAP chooses random(…) again in every run, so frames differ between renders".to_owned(),
                "use fixed values, or a random number generator with a fixed seed",
            ),
            Clock::Network(url) => (
                Rule::NondeterministicScript,
                format!("the answer of {url:?} may differ between renders"),
                "copy the data into the project",
            ),
        };
        found.push(text.finding(rule, *span, message).help(help));
    }
    for (repeat, span) in &script.repeats {
        let message = match repeat {
            Repeat::Infinite => continue,
            Repeat::Ceil => "Math.ceil(…) - 1 repeats can exceed the duration by a part of a cycle",
            Repeat::Floor => {
                "Math.floor(…) - 1 is -1, which repeats forever, if a cycle exceeds the duration"
            }
        };
        let help = "write Math.max(0, Math.floor(duration / cycle) - 1)";
        let finding = text.finding(Rule::RepeatOvershoot, *span, message).help(help);
        found.push(match repair::with_bounded_repeat(&text.source[span.start..span.end]) {
            Some(bounded) => finding.fix(&text, "Bound the number of repeats", [(*span, bounded)]),
            None => finding,
        });
    }
    for registration in script.registrations.iter().filter(|registration| registration.is_early) {
        let message =
            "the timeline is registered while it is empty; its animations are added after fonts have loaded";
        let help = "register it at the end of the callback, after the animations";
        found.push(text.finding(Rule::TimelineRegisteredEarly, registration.span, message).help(help));
    }
    for selector in &script.selectors {
        found.extend(
            unmatchable(selector)
                .map(|(rule, message, help)| text.finding(rule, selector.span, message).help(help)),
        );
    }
    found
}

/// Returns why a selector cannot match: the rule, the message and the help.
pub(super) fn unmatchable(selector: &Selector) -> Option<(Rule, String, &'static str)> {
    let Some(text) = &selector.text else {
        let help = "write the selector as a plain string";
        let message = "the selector contains a variable".to_owned();
        return selector.is_query.then_some((Rule::TemplateSelector, message, help));
    };
    let rule = Rule::UnmatchableSelector;
    if let Some(id) = repeated_id(text) {
        let message = format!("{text:?} asks for #{id} inside another #{id}");
        return Some((rule, message, "remove the first of the two ids"));
    }
    if is_split(text) {
        let message = format!("{text:?} has two attributes in one pair of brackets");
        return Some((rule, message, "write [a=\"1\"][b=\"2\"]"));
    }
    let digit = text.match_indices('#').find(|(at, _)| {
        let is_start = text[..*at].chars().next_back().is_none_or(|before| " ,>+~(".contains(before));
        is_start && text[at + 1..].starts_with(|first: char| first.is_ascii_digit())
    });
    // `gsap.to("#123", …)` and the like; colors are not selectors.
    digit.filter(|_| !text.contains('[')).map(|(at, _)| {
        let message = format!("{:?} is not a valid selector: a name cannot start with a digit", &text[at..]);
        (rule, message, "rename the id, or use CSS.escape()")
    })
}

/// Returns an id that a selector names twice, as in `#a .b #a`.
fn repeated_id(selector: &str) -> Option<&str> {
    selector.split(',').find_map(|part| {
        let mut seen = BTreeSet::new();
        part.split([' ', '>', '+', '~']).find_map(|compound| {
            let (_, id) = compound.split_once('#')?;
            let end = id.find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).unwrap_or(id.len());
            (!id[..end].is_empty() && !compound.contains('[') && !seen.insert(&id[..end]))
                .then_some(&id[..end])
        })
    })
}

/// Returns whether a selector has two attributes in one pair of brackets.
fn is_split(selector: &str) -> bool {
    selector.split('[').skip(1).any(|rest| {
        let inner = rest.split(']').next().unwrap_or_default();
        ["\" data-", "' data-"].iter().any(|mark| inner.contains(mark))
    })
}

/// Finds scripts that control media elements of the page that they run in.
fn media(pages: &Pages<'_>, graph: &Graph, page: &Page) -> Vec<Diagnostic> {
    if page.facts.scripts.iter().all(|script| script.media.is_empty()) {
        return Vec::new();
    }
    let text = page.text();
    let users = graph.users(&page.path).filter(|user| *user != page.path).filter_map(|user| pages.get(user));
    let hosts = [page].into_iter().chain(users);
    let elements = hosts.flat_map(|host| &host.outline.nodes).filter(|node| node.is_media());
    let elements = MediaElements::of(elements);
    let mut found = Vec::new();
    for MediaControl { target, action, span } in page.facts.scripts.iter().flat_map(|script| &script.media) {
        let Some(element) = elements.first(target) else { continue };
        let name = &element.name;
        let finding = match action {
            MediaAction::Control(action) => {
                let message =
                    format!("the script uses {action} on a <{name}> element, which the renderer controls");
                let help = "use data-start, data-duration and data-media-start";
                text.finding(Rule::MediaControlledByScript, *span, message).help(help)
            }
            MediaAction::Source => {
                let message = format!("the script sets the source of <{name}>");
                let help = "write the source in the page, or bind it with data-var-src";
                text.finding(Rule::MediaSourceSetByScript, *span, message).help(help)
            }
        };
        found.push(finding);
    }
    found
}

/// Finds timelines that are registered under an id that no composition has; `ids` are those of the whole project.
fn mismatches(page: &Page, ids: &BTreeSet<&str>) -> Vec<Diagnostic> {
    let words = &page.facts.usage.words;
    // Scripts may set the id.
    if words.contains("compositionId")
        || (words.contains("setAttribute") && words.contains("data-composition-id"))
    {
        return Vec::new();
    }
    let text = page.text();
    let registrations = page.facts.scripts.iter().flat_map(|script| &script.registrations);
    let known = registrations.clone().filter_map(|registration| registration.id.as_deref());
    let known = known.collect::<Vec<_>>();
    let unknown = registrations.filter_map(|registration| {
        let id = registration.id.as_deref().filter(|id| !ids.contains(id))?;
        let message =
            format!("the timeline is registered as {id:?}, and no element has this data-composition-id");
        let own = page.composition.root.as_ref().map_or("", |root| root.id.as_str());
        let help = format!("write window.__timelines[{own:?}], with the id of the composition");
        let finding = text.finding(Rule::TimelineIdMismatch, registration.span, message).help(help);
        // The only timeline of the page is that of its root.
        let place = &text.source[registration.span.start..registration.span.end];
        let corrected = (known.len() == 1).then(|| repair::with_id(place, id, own)).flatten();
        Some(match corrected {
            Some(corrected) => finding.fix(&text, "Use the id of the root", [(registration.span, corrected)]),
            None => finding,
        })
    });
    unknown.collect()
}

/// An entry with everything that it loads.
struct Film<'a> {
    pages: &'a Pages<'a>,
    graph: &'a Graph,
    entry: &'a Page,
    parts: Vec<&'a Page>,
    /// Whether mounted files may have timelines, by their paths.
    moving: RefCell<BTreeMap<String, bool>>,
}

impl Film<'_> {
    fn scripts(&self) -> impl Iterator<Item = (&Page, &Script)> {
        self.parts.iter().flat_map(|page| page.facts.scripts.iter().map(move |script| (*page, script)))
    }

    /// Returns the URLs of scripts and modules whose contents are not known.
    fn unread(&self) -> Vec<&str> {
        let mut urls = Vec::new();
        for page in &self.parts {
            let modules = page.facts.scripts.iter().flat_map(|script| &script.references);
            let modules = modules.filter(|reference| reference.is_module).map(|module| {
                (module.target.as_str(), page.destination(module.span).and_then(Destination::path))
            });
            let all = page.scripts().chain(modules);
            let unread = all.filter(|(_, path)| path.is_none_or(|path| self.pages.get(path).is_none()));
            urls.extend(unread.map(|(url, _)| url));
        }
        urls
    }

    /// Returns whether a script that was not read is not a known library, and so may do anything.
    fn has_unknown_script(&self) -> bool {
        let is_known = |url: &&str| Library::ALL.iter().any(|library| library.is_in(url));
        let injects = |page: &&Page| {
            let usage = &page.facts.usage;
            usage.injects && (usage.words.contains("import") || !is_library(page))
        };
        self.parts.iter().any(injects)
            || self.unread().iter().any(|url| !is_known(url))
            || self.parts.iter().any(|page| page.facts.scripts.iter().any(|script| script.error.is_some()))
    }

    /// Finds libraries that are used and not loaded. A part uses those of its host.
    fn libraries(&self) -> Vec<Diagnostic> {
        if self.entry.outline.is_part() || self.has_unknown_script() {
            return Vec::new();
        }
        let unread = self.unread();
        let mut found = Vec::new();
        for library in Library::ALL {
            let is_loaded = unread.iter().any(|url| library.is_in(url))
                || self.scripts().any(|(_, script)| script.provides.contains(library))
                || self.parts.iter().any(|page| {
                    // A bundle names what it exports.
                    let has_global =
                        || library.globals().iter().any(|name| page.facts.usage.words.contains(*name));
                    library.is_in(&page.facts.import_map) || (has_global() && is_library(page))
                });
            let used = self.parts.iter().find_map(|&page| {
                let span = page.facts.scripts.iter().find_map(|script| script.uses.get(library));
                let attribute = || {
                    let node = page.outline.first_with("data-lottie-src");
                    node.filter(|_| library == Library::Lottie).map(|node| node.span)
                };
                Some((page, span.copied().or_else(attribute)?))
            });
            let late = || loading::late(self.pages, &self.parts, library);
            let late = if is_loaded { late() } else { None };
            let Some((page, span)) = late.or(used.filter(|_| !is_loaded)) else { continue };
            let (name, file) = match library {
                Library::Gsap => ("GSAP", "gsap@3/dist/gsap.min.js"),
                Library::MotionPath => ("MotionPathPlugin", "gsap@3/dist/MotionPathPlugin.min.js"),
                Library::ScrollTrigger => ("ScrollTrigger", "gsap@3/dist/ScrollTrigger.min.js"),
                Library::SplitText => ("SplitText", "gsap@3/dist/SplitText.min.js"),
                Library::Lottie => ("Lottie", "lottie-web@5/build/player/lottie.min.js"),
                Library::Three => ("Three.js", "three@0.160/build/three.min.js"),
            };
            let (message, help) = if is_loaded {
                let message = format!("{name} is used before the script that loads it");
                (message, format!("move the <script> that loads {name} before this one"))
            } else {
                let help = format!(
                    "add <script src=\"https://cdn.jsdelivr.net/npm/{file}\"></script> before the script, or a copy in the project"
                );
                (format!("{name} is used, and no script loads it"), help)
            };
            found.push(page.text().finding(Rule::LibraryNotLoaded, span, message).help(help));
        }
        found
    }

    /// Finds compositions whose timeline never comes.
    fn timelines(&self) -> Vec<Diagnostic> {
        let is_open = self.has_unknown_script()
            || self.scripts().any(|(_, script)| {
                script.may_register
                    || script.registrations.iter().any(|registration| registration.id.is_none())
            });
        if is_open {
            return Vec::new();
        }
        let is_registered = self.scripts().any(|(_, script)| script.may_have_timeline());
        let created = self.scripts().find_map(|(page, script)| Some((page, *script.timelines.first()?)));
        if let Some((page, span)) = created.filter(|_| !is_registered) {
            let id = self.entry.composition.root.as_ref().map_or("", |root| root.id.as_str());
            let message = "the timeline is never registered, so it does not play";
            let help = format!(
                "add window.__timelines = window.__timelines || {{}}; window.__timelines[{id:?}] = timeline;"
            );
            return vec![page.text().finding(Rule::TimelineNotRegistered, span, message).help(help)];
        }
        let registrations = self.scripts().flat_map(|(_, script)| &script.registrations);
        let registered = BTreeSet::from_iter(registrations.filter_map(|found| found.id.as_deref()));
        let hosts =
            BTreeSet::from_iter(self.parts.iter().flat_map(|page| page.outline.hosts()).map(|(id, _)| id));
        // A timeline under a wrong id has its own finding.
        if registered.iter().any(|id| !hosts.contains(id)) {
            return Vec::new();
        }
        // The engine moves the roots of mounted files into the elements that mount them.
        let hosts = self.parts.iter().flat_map(|page| page.outline.hosts().map(move |host| (*page, host)));
        let is_kept = |page: &Page, host: &Node| page.path == self.entry.path || host.value(SOURCE).is_some();
        hosts
            .filter(|(page, (id, host))| {
                is_kept(page, host) && !registered.contains(id) && !self.is_exempt(page, host)
            })
            .map(|(page, (id, host))| {
                let message =
                    format!("the composition {id:?} has no timeline; every render waits 45 seconds for it");
                let help =
                    "add data-no-timeline to the element, or register a timeline in window.__timelines";
                let edit = repair::add_attribute(host, "data-no-timeline");
                let text = page.text();
                text.finding(Rule::TimelineMissing, host.span, message).help(help).fix(
                    &text,
                    "Add data-no-timeline",
                    [edit],
                )
            })
            .collect()
    }

    /// Returns whether an element needs no timeline, or may mount a file that has one. The `data-no-timeline` of a mounted
    /// file says nothing about the element that mounts it.
    fn is_exempt(&self, page: &Page, host: &Node) -> bool {
        let has = |name: &str| host.attribute(name).is_some();
        let mounted = host.span_of(SOURCE).map(|span| self.pages.mounted(page, span));
        has("data-no-timeline")
            || has("data-composition-file")
            || mounted.is_some_and(|part| part.is_none_or(|part| !part.is_composition() || self.moves(part)))
    }

    /// Returns whether a mounted file may have a timeline.
    fn moves(&self, part: &Page) -> bool {
        *self.moving.borrow_mut().entry(part.path.clone()).or_insert_with(|| {
            let parts = self.graph.closure(&part.path, &|_| true).into_iter();
            let mut scripts =
                parts.filter_map(|path| self.pages.get(path)).flat_map(|page| &page.facts.scripts);
            scripts.any(Script::may_have_timeline)
        })
    }

    /// Finds endless animations without a duration.
    fn repeats(&self) -> Vec<Diagnostic> {
        let root = self.entry.composition.root.as_ref();
        if self.entry.outline.is_part() || root.is_none_or(|root| root.duration != Measure::Missing) {
            return Vec::new();
        }
        let scripts = self.scripts().filter(|(page, _)| !is_library(page));
        let endless = scripts.flat_map(|(page, script)| {
            let text = page.text();
            let spans = script.repeats.iter().filter(|(repeat, _)| *repeat == Repeat::Infinite);
            spans.map(move |(_, span)| {
                let message = "the animation repeats forever, and the composition has no duration";
                let help = "add data-duration to the root element, or set a number of repeats";
                text.finding(Rule::InfiniteRepeat, *span, message).help(help)
            })
        });
        endless.collect()
    }
}
