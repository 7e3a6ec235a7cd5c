//! Mistakes in scripts, and in styles that scripts animate.

use std::fmt::Write as _;

use super::{Element, PART, Project, Random};

const GSAP: &str = "https://cdn.jsdelivr.net/npm/gsap@3.14.2/dist/gsap.min.js";

/// The scripts of a generated page: files, and one script that builds a timeline.
#[derive(Clone)]
pub(super) struct Scripts {
    sources: Vec<&'static str>,
    /// Statements before the timeline.
    first: Vec<String>,
    /// Statements after it.
    lines: Vec<String>,
    /// Creates the timeline.
    timeline: &'static str,
    /// Registers the timeline.
    last: String,
    /// The end tag.
    end: &'static str,
}

impl Scripts {
    pub(super) fn valid(random: &mut Random) -> Self {
        let last = *random.choose(&[
            "window.__timelines = window.__timelines || {};\nwindow.__timelines[\"main\"] = tl;",
            "window.__timelines ??= {};\nwindow.__timelines['main'] = tl;",
            "window.__timelines = { main: tl };",
            "window.__timelines = window.__timelines || {};\nwindow.__timelines.main = tl;",
        ]);
        Self {
            sources: vec![GSAP],
            first: Vec::new(),
            lines: Vec::new(),
            timeline: random.choose::<&str>(&[
                "const tl = gsap.timeline({ paused: true });",
                "var tl = gsap.timeline({paused:true});",
                "let tl = window.gsap.timeline({ paused: true, defaults: { ease: 'power2.out' } })",
            ]),
            last: last.to_owned(),
            end: "</script>",
        }
    }

    pub(super) fn write(&self, out: &mut String) {
        for source in &self.sources {
            let _ = writeln!(out, "<script src=\"{source}\"></script>");
        }
        out.push_str("<script>\n");
        let parts = self.first.iter().map(String::as_str).chain([self.timeline]);
        let parts = parts.chain(self.lines.iter().map(String::as_str)).chain([&*self.last]);
        for line in parts.filter(|line| !line.is_empty()) {
            let _ = writeln!(out, "{line}");
        }
        let _ = writeln!(out, "{}", self.end);
    }
}

/// Number of mistakes of [`Project::break_script`].
pub(super) const KINDS: usize = 40;

impl Project {
    /// Returns the scripts; adds a timeline if there is none.
    fn scripts(&mut self, random: &mut Random) -> &mut Scripts {
        self.root.retain(|(name, _)| *name != "data-no-timeline");
        self.scripts.get_or_insert_with(|| Scripts::valid(random))
    }

    fn line(&mut self, random: &mut Random, lines: &[&str]) {
        let line = (*random.choose(lines)).to_owned();
        self.scripts(random).lines.push(line);
    }

    fn add(&mut self, tag: &'static str, attributes: &[(&'static str, &str)], text: &'static str) {
        self.elements.push(Element::new(tag, attributes, text));
    }

    /// Makes one mistake in scripts or in what they animate.
    pub(super) fn break_script(&mut self, random: &mut Random) {
        match random.below(KINDS) {
            0 => self.style.push_str(random.choose::<&str>(&[
                ".t { transition: opacity .3s }\n",
                ".t{-webkit-transition:all 200ms ease-in}\n",
                ".t { color: red; transition-duration: 1s; }\n",
                "@media screen { .t { transition : transform var(--time) } }\n",
                ".t { transition-delay: 1s }\n",
            ])),
            1 => self.add("p", &[("id", "moving"), ("style", "color: red; transition: all 1s")], "t"),
            2 => {
                self.add("p", &[("id", "c"), ("class", "clip big"), ("data-start", "0"), ("data-duration", "8")], "C");
                self.line(random, &[
                    "tl.to('#c', { autoAlpha: 0, duration: 1 }, 2);",
                    "tl.fromTo(\"#c\", { visibility: 'hidden' }, { visibility: 'visible', duration: 1 }, 1);",
                    "tl.set('.big', { display: \"none\" }, 3);",
                    "tl.from('#c', { autoAlpha: 0 });",
                    "const c = '#c';\ntl.to(c, { autoAlpha: 1, duration: .5 }, 1);",
                ]);
            }
            3 => {
                self.hide(random);
                self.line(random, &[
                    "tl.fromTo('#h', { opacity: 1, x: 0 }, { x: 100, duration: 1 }, 0.5);",
                    "tl.fromTo(\"#h\", {autoAlpha: 1, y: 10}, {y: 0, duration: 2}, 1);",
                    "tl.to('#root', { x: 0, duration: 1 }).fromTo('#h', { opacity: 0.5 }, { x: 1, duration: 1 });",
                ]);
            }
            4 => {
                self.hide(random);
                self.line(random, &[
                    "tl.from('#h', { opacity: 0, y: 20, duration: 1 });",
                    "tl.from(\"#h\", {opacity:0,duration:1}, 2);",
                    "tl.to('#root', { x: 0, duration: 1 }).from(`#h`, { opacity: 0 });",
                ]);
            }
            5 => {
                self.root.retain(|(name, _)| *name != "data-duration");
                self.line(random, &[
                    "tl.to('#e0', { rotation: 360, repeat: -1, duration: 2 });",
                    "tl.to('#e0', { rotation: 360, yoyo: true, repeat:-1 });",
                    "gsap.to('#e0', { x: 1, repeat: -1 });",
                ]);
            }
            6 => self.line(random, &[
                "tl.to('#e0', { x: 9, repeat: Math.ceil(8 / 3) - 1, duration: 3 });",
                "const cycle = 3;\ntl.to('#e0', { x: 9, duration: cycle, repeat: Math.ceil(8/cycle)-1 });",
            ]),
            7 => self.line(random, &[
                "tl.to('#e0', { x: 9, repeat: Math.floor(8 / 3) - 1, duration: 3 });",
                "tl.to('#e0', { x: 9, duration: 9, repeat : Math.floor( 8 / 9 ) - 1 });",
            ]),
            8 => self.scripts(random).last = String::new(),
            9 => {
                let scripts = self.scripts(random);
                scripts.timeline = "const tl = gsap.timeline({ paused: true });\nwindow.__timelines = window.__timelines || {};\nwindow.__timelines[\"main\"] = tl;";
                scripts.last = "document.fonts.ready.then(() => {\n  tl.to('#e0', { x: 9, duration: 1 });\n});".into();
            }
            10 => {
                self.add("p", &[("id", "late")], "L");
                self.line(random, &[
                    "tl.set('#late', { opacity: 0 }, 0);",
                    "tl.set(\"#late\", { autoAlpha: 0 });",
                    "tl.set('#late', { scale: 0 }, 0);\ntl.to('#late', { scale: 1, duration: 1 }, 1);",
                    "tl.set('#late', { visibility: 'hidden' }, 0);",
                    "tl.to('#late', { opacity: 0, duration: 0 }, 0);",
                ]);
            }
            11 => {
                self.add("p", &[("id", "1st")], "1");
                if random.chance(3) {
                    self.style.push_str("#1st { color: red }\n");
                } else {
                    self.line(random, &[
                        "tl.to('#1st', { x: 1, duration: 1 });",
                        "document.querySelector(\"#1st\").hidden = true;",
                        "document.querySelectorAll('p, #1st');",
                        "gsap.set('#1st', { x: 1 });",
                    ]);
                }
            }
            12 => {
                self.element(random, "video").set("id", "film");
                self.line(random, &[
                    "document.getElementById('film').play();",
                    "const film = document.getElementById(\"film\");\nfilm.currentTime = 2;",
                    "document.querySelector('video').pause();",
                    "var film = document.querySelector(\"#film\");\nfilm?.play();",
                    "window.document.getElementById('film').muted = true;",
                    "let film = document.querySelector('video#film');\nfilm.pause()",
                ]);
            }
            13 => {
                let broken = ["tl.to('#e0', { x: 1 );", "const tl = 1;", "if (tl { }", "let = 5 5;", "tl.to('#e0, {});"];
                self.line(random, &broken);
            }
            14 => self.scripts(random).end = "</ script>",
            15 => {
                self.element(random, "audio").set("id", "sound");
                self.line(random, &[
                    "document.getElementById('sound').src = 'assets/b.mp3';",
                    "document.querySelector('audio').setAttribute('src', \"assets/b.mp3\");",
                    "const sound = document.querySelector('#sound');\nsound.src = `assets/b.mp3`;",
                ]);
            }
            16 => self.root.retain(|(name, _)| *name != "data-no-timeline"),
            17 => self.add("div", &[("id", "static"), ("data-composition-id", "static")], "static"),
            18 => self.line(random, &[
                "tl.to('#e0', { motionPath: { path: [{ x: 1, y: 2 }] }, duration: 1 });",
                "tl.to('#e0', { duration: 1, motionPath: '#path' });",
            ]),
            19 => self.scripts(random).sources.clear(),
            20 => self.line(random, &[
                "lottie.loadAnimation({ container: document.body, path: 'assets/a.json' });",
                "const anim = lottie.loadAnimation({ autoplay: false });",
            ]),
            21 => self.add("div", &[("id", "lottie"), ("data-lottie-src", "assets/a.json")], ""),
            22 => self.line(random, &["const scene = new THREE.Scene();", "const v = THREE.MathUtils.degToRad(1);"]),
            23 => {
                let scripts = self.scripts(random);
                (scripts.timeline, scripts.sources) = ("document.title = 'x';", Vec::new());
                scripts.last = String::new();
            }
            24 => self.line(random, &[
                "tl.to('#e0', { x: Math.random() * 10, duration: 1 });",
                "const now = Date.now();",
                "const now = new Date();",
                "const now = new Date;",
                "const now = performance.now();",
                "crypto.getRandomValues(new Uint8Array(1));",
                "tl.to('#e0', { x: gsap.utils.random(0, 5), duration: 1 });",
                "tl.to('#e0', { x: 'random(0, 100)', duration: 1 });",
                "tl.to('#e0', { x: \"+=random(-5, 5)\", duration: 1 });",
                "const roll = (n) => Math.floor(Math.random() * n);",
            ]),
            25 => self.line(random, &[
                "requestAnimationFrame(function draw() {});",
                "window.requestAnimationFrame(() => {});",
                "const loop = () => { requestAnimationFrame(loop); };",
            ]),
            26 => self.line(random, &[
                "const id = 'e0';\ndocument.querySelector(`#${id}`);",
                "for (const id of ['e0']) document.querySelectorAll(`[id=\"${id}\"] p`);",
                "const find = (id) => document.querySelector(`[data-composition-id=\"${id}\"]`);",
            ]),
            27 => {
                let last = *random.choose(&[
                    "window.__timelines = {};\nwindow.__timelines[\"mian\"] = tl;",
                    "window.__timelines = window.__timelines || {};\nwindow.__timelines.other = tl;",
                    "window.__timelines = { other: tl };",
                ]);
                self.scripts(random).last = last.to_owned();
            }
            28 => {
                self.add("div", &[("id", "cover"), ("class", "cover")], "");
                self.style.push_str(random.choose::<&str>(&[
                    "#cover { position: absolute; inset: 0; background: #fff }\n",
                    ".cover{position:fixed;top:0;left:0;right:0;bottom:0;background-color:black}\n",
                ]));
                self.line(random, &[
                    "tl.to('#cover', { opacity: 1, duration: 1 }, 2).to('#cover', { opacity: 0, duration: 1 }, 4);",
                    "tl.from('#cover', { opacity: 0, duration: 1 }, 2);\ntl.to('#cover', { autoAlpha: 0, duration: 1 }, 5);",
                    "tl.fromTo('.cover', { opacity: 0 }, { opacity: 1, duration: 1 }, 3);\ntl.set('.cover', { opacity: 0 }, 5);",
                ]);
            }
            29 => {
                let broken = [".x { color: red", ".x { color red; }\n", ".x { color: red }}\n", ".x { content: 'a }\n", "color: red;\n"];
                self.style.push_str(random.choose::<&str>(&broken));
            }
            30 => self.style.push_str(random.choose::<&str>(&[
                "#root #root { color: red }\n",
                "#root > .a #root p { color: red }\n",
                "p, #root #root.b { color: red }\n",
            ])),
            31 => self.style.push_str(random.choose::<&str>(&[
                "[id=\"e0\"] { left: 10px }\n",
                ":where(#e0) { top: 5px; color: red }\n",
                "p[id='e0'], .b { transform: none; inset: 0 }\n",
            ])),
            32 => self.style.push_str(random.choose::<&str>(&[
                "[style*=\"visibility: hidden\"] { opacity: 0 }\n",
                "video[style*='visibility:hidden'], .x { opacity: 0 }\n",
                "[style*=\"visibility: hidden\"] video { color: red; opacity: 0.0 }\n",
            ])),
            33 => {
                let selector = "[data-composition-id=\"main\" data-start=\"0\"]";
                if random.chance(2) {
                    let _ = writeln!(self.style, "{selector} {{ color: red }}");
                } else {
                    let line = format!("document.querySelector('{selector}');");
                    self.scripts(random).lines.push(line);
                }
            }
            34 => self.style.push_str(random.choose::<&str>(&[
                "html, body { width: 1920px; height: 1080px; overflow: hidden }\n",
                "html,body{height:720px;width:1080px}\n",
            ])),
            35 => {
                let zoom = *random.choose(&["0.5", "2", "150%"]);
                match random.below(3) {
                    0 => self.root.push(("style", format!("zoom: {zoom}"))),
                    1 => { let _ = writeln!(self.style, "#root {{ zoom: {zoom} }}"); }
                    _ => { let _ = writeln!(self.style, "body {{ margin: 0; zoom:{zoom}; }}"); }
                }
            }
            36 => {
                let part = PART.replace("<div data-composition-id", "<style>.frame { color: red } .frame .x { color: blue }</style>\n<div class=\"frame\" data-composition-id");
                self.parts.insert("part.html", part);
                self.mount(random);
            }
            37 => {
                for index in 0..26 {
                    let style = *random.choose(&["filter: blur(4px)", "background: radial-gradient(red, blue)", "clip-path: circle(50%)"]);
                    let id = format!("heavy{index}");
                    self.add("i", &[("id", &id), ("style", style)], "x");
                }
            }
            38 => self.line(random, &[
                "document.querySelector('#root #root');",
                "tl.to('.a #root #root', { x: 1, duration: 1 });",
            ]),
            _ => {
                let part = PART.replace("</div>\n</template>", "<script>\nwindow.__timelines = window.__timelines || {};\nconst tl = gsap.timeline({ paused: true });\ntl.to('#p', { x: Math.random(), duration: 1 });\nwindow.__timelines['part'] = tl;\n</script>\n</div>\n</template>");
                self.parts.insert("part.html", part);
                self.mount(random);
                self.scripts(random);
            }
        }
    }

    /// Adds an element that CSS hides.
    fn hide(&mut self, random: &mut Random) {
        self.add("p", &[("id", "h")], "H");
        self.style.push_str(random.choose::<&str>(&[
            "#h { opacity: 0 }\n",
            "#h{color:red;opacity:0;}\n",
            ".x, #h { opacity: 0.0 }\n",
        ]));
    }
}
