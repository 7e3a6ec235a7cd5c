//! Generated projects: valid compositions, and the mistakes that are made in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use crate::media::make;
use crate::support::write;

mod scripts;

use scripts::Scripts;

/// A generator of numbers: xorshift.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    pub(crate) fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// An element of a generated page. Each tag is on a line of its own.
#[derive(Clone)]
struct Element {
    tag: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Element>,
    text: &'static str,
    /// How the tag is damaged.
    damage: Damage,
}

#[derive(Clone, Copy, PartialEq)]
enum Damage {
    None,
    SelfClosed,
    Unclosed,
}

impl Element {
    fn new(tag: &'static str, attributes: &[(&'static str, &str)], text: &'static str) -> Self {
        let attributes = attributes.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { tag, attributes, children: Vec::new(), text, damage: Damage::None }
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.remove(name);
        self.attributes.push((name, value.to_owned()));
    }

    fn remove(&mut self, name: &str) {
        self.attributes.retain(|(known, _)| *known != name);
    }

    fn write(&self, random: &mut Random, out: &mut String) {
        let _ = write!(out, "<{}", self.tag);
        for (name, value) in &self.attributes {
            let quote = if value.contains('"') || random.chance(3) { '\'' } else { '"' };
            let space = if random.chance(5) { "  " } else { " " };
            if value.is_empty() && *name == "muted" {
                let _ = write!(out, "{space}{name}");
            } else {
                let _ = write!(out, "{space}{name}={quote}{value}{quote}");
            }
        }
        match self.damage {
            Damage::None if self.tag == "img" => out.push_str(">\n"),
            Damage::None => {
                out.push('>');
                out.push_str(self.text);
                if !self.children.is_empty() {
                    out.push('\n');
                }
                self.children.iter().for_each(|child| child.write(random, out));
                let _ = writeln!(out, "</{}>", self.tag);
            }
            Damage::SelfClosed => out.push_str(" />\n"),
            Damage::Unclosed => {
                let _ = writeln!(out, "<b>{}</b></{}>", self.text, self.tag);
            }
        }
    }
}

/// A generated project.
pub(crate) struct Project {
    style: String,
    elements: Vec<Element>,
    root: Vec<(&'static str, String)>,
    /// The files below `compositions`.
    parts: BTreeMap<&'static str, String>,
    is_in_template: bool,
    is_fragment: bool,
    /// The videos are a real file, which is one second long.
    has_video: bool,
    scripts: Option<Scripts>,
}

/// A video of one second.
static VIDEO: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), "v.mp4", "-f lavfi -i testsrc=s=16x16:r=10:d=1 -pix_fmt yuv420p");
    std::fs::read(folder.path().join("v.mp4")).unwrap()
});

const PART: &str = "<template>\n<div data-composition-id=\"part\" data-width=\"1280\" data-height=\"720\" \
    data-duration=\"8\" data-no-timeline>\n<p id=\"p\" class=\"clip\" data-start=\"0\" data-duration=\"8\">Part</p>\n\
    </div>\n</template>\n";

impl Project {
    /// A project without mistakes.
    pub(crate) fn valid(random: &mut Random) -> Self {
        let mut elements = Vec::new();
        for index in 0..=random.below(5) {
            let id = format!("e{index}");
            let (start, duration) = *random.choose(&[("0", "8"), ("1", "7"), ("2.5", "3"), ("0.5", "7.5")]);
            let track = index.to_string();
            let timed =
                [("data-start", start), ("data-duration", duration), ("data-track-index", track.as_str())];
            let with =
                |more: &[(&'static str, &'static str)]| [&[("id", id.as_str())], more, &timed[..]].concat();
            elements.push(match random.below(6) {
                0 => Element::new("video", &with(&[("src", "assets/v.mp4"), ("muted", "")]), ""),
                1 => Element::new("audio", &with(&[("src", "assets/a.mp3")]), ""),
                2 => Element::new("img", &with(&[("src", "assets/i.png"), ("class", "clip")]), ""),
                3 => Element::new(
                    "div",
                    &[
                        ("id", id.as_str()),
                        ("data-composition-id", "part"),
                        ("data-composition-src", "compositions/part.html"),
                        ("data-start", "0"),
                        ("data-duration", "8"),
                    ],
                    "",
                ),
                4 => {
                    let mut group = Element::new("section", &[("id", id.as_str())], "");
                    let inner = format!("{id}-inner");
                    group.children.push(Element::new(
                        "p",
                        &[("id", inner.as_str()), ("class", "clip"), timed[0], timed[1], timed[2]],
                        "Inner",
                    ));
                    group
                }
                _ => Element::new("h1", &with(&[("class", "clip")]), "Title"),
            });
        }
        let root =
            [("id", "root"), ("data-composition-id", "main"), ("data-width", "1280"), ("data-height", "720")];
        let timed = [("data-duration", "8"), ("data-start", "0"), ("data-no-timeline", "")];
        let root = root.into_iter().chain(timed).map(|(name, value)| (name, value.to_owned())).collect();
        let mut root: Vec<_> = root;
        let scripts = random.chance(3).then(|| Scripts::valid(random));
        if scripts.is_some() {
            root.retain(|(name, _)| *name != "data-no-timeline");
        }
        let font = random.choose(&["Inter, sans-serif", "'Open Sans'", "Arial", "monospace"]);
        Self {
            style: format!(".clip {{ font-family: {font}; color: #123 }}\n"),
            elements,
            root,
            parts: BTreeMap::from([("part.html", PART.to_owned())]),
            is_in_template: false,
            is_fragment: false,
            has_video: false,
            scripts,
        }
    }

    /// Returns an element, which may be nested; with `tag`, adds one if there is none.
    fn element(&mut self, random: &mut Random, tag: &'static str) -> &mut Element {
        let places =
            (0..self.elements.len()).filter(|place| self.elements[*place].tag == tag).collect::<Vec<_>>();
        let place = if places.is_empty() {
            let source = match tag {
                "video" => "assets/v.mp4",
                "audio" => "assets/a.mp3",
                _ => "assets/i.png",
            };
            let attributes = [
                ("id", "added"),
                ("src", source),
                ("class", "clip"),
                ("data-start", "0"),
                ("data-duration", "8"),
                ("data-track-index", "9"),
            ];
            let kept = if matches!(tag, "video" | "audio" | "img") { &attributes[..] } else { &[] };
            let mut added = Element::new(tag, kept, "");
            if tag == "video" {
                added.set("muted", "");
            }
            if kept.is_empty() {
                added = Element::new(
                    tag,
                    &[attributes[0], attributes[2], attributes[3], attributes[4], attributes[5]],
                    "Added",
                );
            }
            self.elements.push(added);
            self.elements.len() - 1
        } else {
            *random.choose(&places)
        };
        &mut self.elements[place]
    }

    fn mount(&mut self, random: &mut Random) -> &mut Element {
        let is_mount =
            |element: &Element| element.attributes.iter().any(|(name, _)| *name == "data-composition-src");
        if !self.elements.iter().any(is_mount) {
            let attributes = [
                ("id", "mount"),
                ("data-composition-id", "part"),
                ("data-composition-src", "compositions/part.html"),
                ("data-start", "0"),
                ("data-duration", "8"),
            ];
            self.elements.push(Element::new("div", &attributes, ""));
        }
        let _ = random;
        self.elements.iter_mut().find(|element| is_mount(element)).unwrap()
    }

    /// Makes one mistake.
    pub(crate) fn break_it(&mut self, random: &mut Random) {
        if random.chance(2) {
            return self.break_script(random);
        }
        match random.below(37) {
            0 => self.element(random, "video").damage = Damage::SelfClosed,
            1 => self.element(random, "audio").damage = Damage::SelfClosed,
            2 => self.element(random, "h1").damage = Damage::Unclosed,
            3 => self.mount(random).remove("data-composition-id"),
            4 => self.element(random, "video").remove("src"),
            5 => self.element(random, "audio").remove("src"),
            6 => {
                let element = self.element(random, "audio");
                element.remove("src");
                element.set("data-var-src", "voice");
            }
            7 => {
                let source = *random.choose(&["a.mp3", "i.PNG?x=1", "assets/a.wav", "https://x.test/b.jpg"]);
                self.element(random, "video").set("src", source);
            }
            8 => {
                let source = *random.choose(&["v.mp4", "a.mp3", "v.webm#t", "data:video/mp4;base64,AAAA"]);
                self.element(random, "img").set("src", source);
            }
            9 => self
                .element(random, "audio")
                .set("src", &format!("data:audio/mp3;base64,{}", "QUJD".repeat(20))),
            10 => {
                let (start, duration) = *random.choose(&[("2", "7"), ("0", "8.2"), ("7.9", "4"), ("9", "1")]);
                let element = self.element(random, "h1");
                element.set("data-start", start);
                element.set("data-duration", duration);
            }
            11 => {
                // A clip in a clip that is shown at another time.
                let mut outer = self.element(random, "h1").clone();
                outer.set("id", "outer");
                outer.set("data-start", "1");
                outer.set("data-duration", "2");
                let mut inner = outer.clone();
                inner.set("id", "inner");
                inner.set("data-start", random.choose::<&str>(&["3", "5", "0"]));
                inner.set("data-duration", "1");
                outer.children.push(inner);
                self.elements.push(outer);
            }
            12 => {
                let mut outer = Element::new("div", &[("id", "wrapper"), ("data-start", "1")], "");
                outer.set("data-duration", "6");
                let mut video = self.element(random, "video").clone();
                video.set("id", "nested");
                if random.chance(2) {
                    let mut between = Element::new("div", &[("id", "between")], "");
                    between.children.push(video);
                    outer.children.push(between);
                } else {
                    outer.children.push(video);
                }
                self.elements.push(outer);
            }
            13 => {
                let mount = self.mount(random);
                mount.set(
                    "data-composition-src",
                    random.choose::<&str>(&["compositions/gone.html", "gone.html", "compositions"]),
                );
            }
            14 => {
                let text =
                    *random.choose(&["", "  \n", "<p>no root</p>", "<template><p>no root</p></template>"]);
                self.parts.insert("part.html", text.to_owned());
                self.mount(random);
            }
            15 => {
                self.parts.insert("part.html", PART.replace("<p id", "<div id=\"n\" data-composition-id=\"n\" data-composition-src=\"deep.html\"></div>\n<p id"));
                self.parts.insert("deep.html", PART.to_owned());
                self.mount(random);
            }
            16 => self.style.push_str(".x { font-family: 'Brand Face', serif }\n"),
            17 => self.style.push_str("</style>\n.x { color: red }\n"),
            18 => self.style.push_str("<style>\n.x { color: red }\n"),
            19 => self.root.retain(|(name, _)| *name != "data-duration"),
            20 => {
                self.root.retain(|(name, _)| *name != "data-duration");
                self.elements = vec![Element::new("h1", &[("id", "t")], "Only")];
            }
            21 => {
                self.elements.clear();
                self.parts.insert(
                    "film.html",
                    PART.replace("<template>\n", "<!doctype html><html><body>\n")
                        .replace("</template>", "</body></html>"),
                );
            }
            22 => self.is_in_template = true,
            23 => {
                self.elements.retain(|element| element.tag != "video");
                self.elements.iter_mut().for_each(|element| {
                    element.set("data-start", "0");
                    element.set("data-duration", "2");
                });
                self.mount(random).set("data-duration", random.choose::<&str>(&["3", "5", "7.4"]));
            }
            24 => {
                let mut double =
                    Element::new("div", &[("id", "double"), ("data-composition-id", "main")], "");
                double.text = "double";
                self.elements.push(double);
            }
            25 => self.element(random, "video").remove("muted"),
            26 => self.element(random, "video").set("data-has-audio", "true"),
            27 => {
                let tag = *random.choose(&["video", "audio"]);
                self.element(random, tag).remove("data-start");
            }
            28 => {
                let tag = *random.choose(&["video", "img"]);
                self.element(random, tag).set("src", "https://placehold.co/600x400.mp4");
            }
            29 => self.elements.push(Element::new("p", &[("id", "note")], "/* a note */")),
            30 => self.is_fragment = true,
            31 => {
                let audio = self.element(random, "audio").clone();
                let mut video = audio.clone();
                video.tag = "video";
                video.set("id", "twin");
                video.set("data-has-audio", "true");
                self.elements.push(video);
            }
            32 => {
                let mut other = self.element(random, "audio").clone();
                other.set("id", "other");
                other.set("src", "assets/b.mp3");
                other.set("data-start", "1");
                self.elements.push(other);
            }
            33 => self
                .style
                .push_str(random.choose::<&str>(&[".clip { z-index: -1 }\n", "#root { z-index : -2; }\n"])),
            34 => self.style.push_str("[data-composition-id=\"gone\"] .clip { color: red }\n"),
            35 => {
                self.has_video = true;
                let start = *random.choose(&["1", "1.0", " 2 ", "40"]);
                self.element(random, "video").set("data-media-start", start);
            }
            _ => self.element(random, "video").set("src", "data:video/mp4;base64,AAAABBBBCCCCDDDDEEEEFFFF"),
        }
    }

    pub(crate) fn write(&self, random: &mut Random, directory: &Path) {
        let mut page = String::new();
        let head = "<!doctype html>\n<html>\n<head><meta charset=\"utf-8\"><title>x</title>\n<style>\n";
        if self.is_in_template {
            page.push_str("<template>\n");
        } else if !self.is_fragment {
            let _ = write!(page, "{head}{}</style>\n</head>\n<body>\n", self.style);
        }
        let mut root = Element::new("div", &[], "");
        root.attributes.clone_from(&self.root);
        root.children.clone_from(&self.elements);
        root.write(random, &mut page);
        if let Some(scripts) = &self.scripts {
            scripts.write(&mut page);
        }
        page.push_str(match (self.is_in_template, self.is_fragment) {
            (true, _) => "</template>\n",
            (_, true) => "",
            _ => "</body>\n</html>\n",
        });
        write(directory, "index.html", &page);
        for (name, text) in &self.parts {
            write(directory, &format!("compositions/{name}"), text);
        }
        if self.has_video {
            write(directory, "assets/v.mp4", "");
            std::fs::write(directory.join("assets/v.mp4"), &*VIDEO).unwrap();
        }
    }
}
