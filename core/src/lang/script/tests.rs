//! Tests of the facts about scripts.

use proptest::prelude::*;

use super::{Clock, Library, Script, ScriptKind, parse};

fn script(source: &str) -> Script {
    parse(source, 0, ScriptKind::Classic)
}

fn reads(source: &str) -> (Vec<String>, bool) {
    let script = script(source);
    for (name, span) in &script.reads {
        assert_eq!(&source[span.start..span.end], name);
    }
    (script.reads.into_iter().map(|(name, _)| name).collect(), script.is_opaque)
}

fn clear(source: &str) -> Vec<String> {
    let (reads, opaque) = reads(source);
    assert!(!opaque, "{source}");
    reads
}

#[test]
fn the_forms_that_people_write() {
    assert_eq!(clear("getVariables().title"), ["title"]);
    assert_eq!(clear("x = window.__hyperframes?.getVariables?.().title ?? 'y'"), ["title"]);
    assert_eq!(clear("f(getVariables()['sub title'])"), ["sub title"]);
    assert_eq!(
        clear("const { title, accent: color = '#fff', 'a-b': c } = window.__hyperframes.getVariables();"),
        ["title", "accent", "a-b"]
    );
    assert_eq!(
        clear("const v = getVariables();\nel.textContent = v.title; el.style.color = `x${v['accent']}y`"),
        ["title", "accent"]
    );
    assert_eq!(clear("let v = getVariables() || {}; const { a = {b: 1} } = v;"), ["a"]);
    assert_eq!(clear("const v = (window.getVariables() ?? {}); v.a"), ["a"]);
    assert_eq!(clear("getVariables();"), Vec::<String>::new());
    assert_eq!(clear("function getVariables() { return {} }"), Vec::<String>::new());
    assert_eq!(clear("if (typeof getVariables === 'function') {}"), Vec::<String>::new());
}

#[test]
fn what_goes_elsewhere_is_opaque() {
    for source in [
        "apply(getVariables())",
        "const { a, ...rest } = getVariables()",
        "getVariables()[name]",
        "return getVariables()",
        "const v = getVariables(); for (const k in v) {}",
        "window.values = getVariables()",
        "const { [key]: x } = getVariables()",
    ] {
        assert!(reads(source).1, "{source}");
    }
}

#[test]
fn another_variable_of_the_name_warns_nobody() {
    assert_eq!(reads("const v = getVariables(); items.map(v => v.length)"), (Vec::new(), true));
}

#[test]
fn strings_comments_and_expressions_are_no_code() {
    let source = "// getVariables().a\n/* getVariables().b */ 'getVariables().c'; x = /getVariables().d['\"]/g; `getVariables().e`;\
                  y = 1 / 2; z = `${getVariables().f}`; a = b / getVariables().g / c";
    assert_eq!(clear(source), ["f", "g"]);
    let words = script("el.dataset['x-y'] = \"--accent\"; /* comment */").words;
    assert!(["el", "dataset", "x-y", "--accent"].iter().all(|word| words.contains(*word)));
    assert!(!words.contains("comment"));
}

/// The ids that timelines are registered under; `?` for a computed one, and `*` if any may be.
fn registered(source: &str) -> Vec<String> {
    let script = script(source);
    assert_eq!(script.error, None, "{source}");
    let ids = script.registrations.into_iter().map(|found| found.id.unwrap_or_else(|| "?".to_owned()));
    ids.chain(script.may_register.then(|| "*".to_owned())).collect()
}

#[test]
fn timelines_are_registered_in_many_ways() {
    for source in [
        "window.__timelines = window.__timelines || {}; window.__timelines['main'] = tl",
        "window.__timelines ??= {}; window.__timelines.main = tl",
        "(window.__timelines = window.__timelines || {})['main'] = tl",
        "if (!window.__timelines) window.__timelines = {}; window.__timelines[`main`] = tl",
        "const all = (window.__timelines ||= {}); all.main = tl",
        "const ID = 'main'; globalThis.__timelines[ID] = tl",
        "Object.assign(window.__timelines, { main: tl })",
        "window.__timelines = { main: tl }",
        "window.__timelines = { ...window.__timelines, 'main': tl }",
        "window['__timelines']['main'] = tl",
        "__timelines.main = tl",
    ] {
        assert_eq!(registered(source), ["main"], "{source}");
    }
    assert_eq!(registered("window.__timelines[id()] = tl"), ["?"]);
    assert_eq!(registered("register(window.__timelines)"), ["*"]);
    assert_eq!(registered("const t = window.__timelines.main; t.play()"), Vec::<String>::new());
    assert_eq!(
        registered("// window.__timelines.main = tl\n'window.__timelines.main = 1'"),
        Vec::<String>::new()
    );
}

#[test]
fn libraries_are_used_or_brought_along() {
    let uses = |source: &str| script(source).uses.names().collect::<Vec<_>>();
    assert_eq!(
        uses("const tl = gsap.timeline(); tl.to('#a', { motionPath: {} })"),
        [Library::Gsap, Library::MotionPath]
    );
    assert_eq!(uses("window.lottie.loadAnimation({}); new THREE.Scene()"), [Library::Lottie, Library::Three]);
    for (source, library) in [
        ("new SplitText('#a')", Library::SplitText),
        ("ScrollTrigger.create({})", Library::ScrollTrigger),
        ("gsap.registerPlugin(ScrollTrigger)", Library::ScrollTrigger),
    ] {
        let used = script(source);
        assert!(used.uses.contains(library) && !used.provides.contains(library), "{source}");
    }
    for source in
        ["const { SplitText } = window; new SplitText('#a')", "class SplitText {} new SplitText('#a')"]
    {
        assert!(script(source).provides.contains(Library::SplitText), "{source}");
    }
    assert_eq!(uses("if (window.gsap) gsap.to('#a', {})"), []);
    assert_eq!(uses("typeof gsap !== 'undefined' && gsap.to('#a', {})"), []);
    assert_eq!(uses("// gsap.to()\n'gsap.to()'"), []);
    for source in ["var gsap = {}", "window.gsap = f()", "(function (e) { e.gsap = 1 })(window)"] {
        assert!(script(source).provides.contains(Library::Gsap), "{source}");
    }
    let module = parse("import { gsap } from 'gsap'; gsap.to('#a', {})", 0, ScriptKind::Module);
    assert!(module.provides.contains(Library::Gsap));
}

#[test]
fn targets_of_tweens_are_followed() {
    let targets = |source: &str| {
        let tweens = script(&format!("{source}; gsap.x = 1")).tweens.into_iter();
        tweens.map(|tween| tween.selector).collect::<Vec<_>>()
    };
    for source in [
        "tl.to('.a', {})",
        "const a = '.a'; tl.to(a, {})",
        "tl.to(document.querySelectorAll('.a'), {})",
        "tl.to(document.getElementsByClassName('a'), {})",
        "tl.to(gsap.utils.toArray('.a'), {})",
        "const all = gsap.utils.toArray('.a'); tl.to(all, {})",
        "const all = [...document.querySelectorAll('.a')]; tl.to(all[0], {})",
        "Array.from(document.querySelectorAll('.a')).forEach((one, at) => { tl.to(one, {}, at) })",
        "gsap.utils.toArray('.a').forEach(function (one) { tl.to(one, {}) })",
        "const all = $$('.a'); all.map(one => tl.to(one, {}))",
        "['.a'].forEach(one => tl.to(one, {}))",
    ] {
        assert_eq!(targets(source), [".a"], "{source}");
    }
    assert_eq!(targets("const a = document.getElementById('a'); tl.to([a, '.b'], {})"), ["#a, .b"]);
    assert_eq!(
        targets("$$('.a').forEach(x => tl.to(x, {})); $$('.b').forEach(x => tl.to(x, {})); tl.to(x, {})"),
        [".a", ".b"]
    );
    for source in [
        "const x = $('.a'); list.forEach(x => tl.to(x, {}))",
        "const x = $('.a'); list.filter(x => tl.to(x, {}))",
        "const x = gsap.from('.a'); tl.to(x, {})",
        "let x = $('.a'); { let x = $('.b'); tl.to(x, {}) }",
    ] {
        assert_eq!(targets(source), Vec::<String>::new(), "{source}");
    }
    let doubled = (0..40).map(|n| format!("const a{} = [a{n}, a{n}];", n + 1)).collect::<String>();
    assert_eq!(targets(&format!("const a0 = $('.a');{doubled} tl.to(a40, {{}})")), Vec::<String>::new());
}

#[test]
fn what_differs_from_run_to_run() {
    let clocks = |source: &str| script(source).clocks.into_iter().map(|(clock, _)| clock).collect::<Vec<_>>();
    assert_eq!(clocks("x = Math.random() + Date.now()").len(), 2);
    assert_eq!(clocks("new Date()"), [Clock::Call("new Date()")]);
    assert_eq!(clocks("new Date(2020, 1); Math.floor(1); 'Math.random()'; my.random()"), []);
    assert_eq!(clocks("Math.random = seeded(1); Math.random()"), []);
    assert_eq!(clocks("requestAnimationFrame(draw)"), [Clock::Frame]);
    assert_eq!(clocks("gsap.to('#a', { x: 'random(-5, 5)' })"), [Clock::RandomText]);
    assert_eq!(clocks("fetch('https://x.example/a'); fetch('a.json')").len(), 1);
}

#[test]
fn references_are_those_of_modules_and_workers() {
    let source = "import a from './a.js'; export * from '../b.js'; import 'gsap'; import('./c.js');\
        new URL('d.png', import.meta.url); new Worker(`e.js`); new URL('f', base); import(name)";
    let module = parse(source, 0, ScriptKind::Module);
    let targets = module.references.iter().map(|found| found.target.as_str()).collect::<Vec<_>>();
    assert_eq!(targets, ["./a.js", "../b.js", "./c.js", "d.png", "e.js"]);
    for found in &module.references {
        assert_eq!(source[found.span.start..found.span.end], found.target);
    }
}

#[test]
fn errors_have_places() {
    let error = |source: &str| script(source).error.map(|error| error.span.start);
    assert_eq!(error("a = 1;\nb = {; c"), Some(12));
    assert_eq!(error("return 1"), None, "scripts of mounted compositions run in a function");
    assert_eq!(error("import './a.js'"), Some(0));
    assert_eq!(error("<!-- old\na --> 0\n--> old"), None);
}

/// Returns whether a script is parsed, on a stack of 1 MB, which is what Windows and WebAssembly give.
#[expect(clippy::disallowed_types, reason = "only a thread has a stack of a chosen size")]
fn is_parsed(source: String) -> bool {
    let run = move || {
        let script = parse(&source, 0, ScriptKind::Classic);
        script.error.is_some() || !script.words.is_empty()
    };
    let thread = std::thread::Builder::new().stack_size(1024 * 1024);
    thread.spawn(run).expect("a thread").join().expect("no overflow")
}

#[test]
fn no_nesting_overflows_the_stack() {
    type Make = fn(usize) -> String;
    let forms: &[(&str, Make)] = &[
        ("open", |n| "[".repeat(n)),
        ("arrays", |n| format!("x={}{}", "[".repeat(n), "]".repeat(n))),
        ("parentheses", |n| format!("{}a{}", "(".repeat(n), ")".repeat(n))),
        ("objects", |n| format!("x={}1{}", "{a:".repeat(n), "}".repeat(n))),
        ("blocks", |n| format!("x;{}{}", "{".repeat(n), "}".repeat(n))),
        ("functions", |n| format!("{}{}", "function f(){".repeat(n), "}".repeat(n))),
        ("assigned functions", |n| format!("{}{}", "a=b=c=d=function(){".repeat(n), "}".repeat(n))),
        ("immediate functions", |n| format!("{}{}", "(function(){x;".repeat(n), "})()".repeat(n))),
        ("arrows", |n| format!("{}1", "a=>".repeat(n))),
        ("async arrows", |n| format!("{}1", "async a=>".repeat(n))),
        ("arrow bodies", |n| format!("{}{}", "(a)=>{".repeat(n), "}".repeat(n))),
        ("arrow defaults", |n| format!("{}1{}", "(a=".repeat(n), ")=>1".repeat(n))),
        ("unary", |n| format!("{}a", "!".repeat(n))),
        ("typeof", |n| format!("{}a", "typeof ".repeat(n))),
        ("await", |n| format!("async()=>{}a", "await ".repeat(n))),
        ("new", |n| format!("{}a", "new ".repeat(n))),
        ("assignments", |n| format!("{}1", "a=".repeat(n))),
        ("choices", |n| format!("{}1", "a?b:".repeat(n))),
        ("choices of arrows", |n| format!("{}1", "a?(b):".repeat(n))),
        ("if", |n| format!("{};", "if(a)".repeat(n))),
        ("else", |n| format!("{};", "if(a);else ".repeat(n))),
        ("if, comma", |n| format!("{}{{", "if(a)x,y,function(){if(b)".repeat(n))),
        ("while", |n| format!("{};", "while(a)".repeat(n))),
        ("do", |n| format!("{};", "do ".repeat(n))),
        ("labels", |n| format!("{}x;", (0..n).map(|i| format!("a{i}:")).collect::<String>())),
        ("members", |n| format!("a{}", ".b".repeat(n))),
        ("calls", |n| format!("a{}", ".b()".repeat(n))),
        ("tagged templates", |n| format!("a{}", "`x`".repeat(n))),
        ("sums", |n| format!("a{}", "+a".repeat(n))),
        ("powers", |n| format!("a{}", "**a".repeat(n))),
        ("logic", |n| format!("a{}", "&&a".repeat(n))),
        ("templates", |n| format!("{}a{}", "`${".repeat(n), "}`".repeat(n))),
        ("classes", |n| format!("{}{}", "class A{m(){".repeat(n), "}}".repeat(n))),
        ("class values", |n| format!("{}{}", "x=class extends a{m(){".repeat(n), "}}".repeat(n))),
        ("patterns", |n| format!("let {}b{}=1", "{a:".repeat(n), "}".repeat(n))),
        ("array patterns", |n| format!("({}a{})=>1", "[".repeat(n), "]".repeat(n))),
        ("switch", |n| format!("{}{}", "switch(a){case 1:".repeat(n), "}".repeat(n))),
        ("after a postfix", |n| format!("a++/{}", "[".repeat(n))),
        ("after a prefix", |n| format!("a\n++/[`]/.x;{}", "[".repeat(n))),
        ("after a brace", |n| format!("{{}}/`/.x;{}", "[".repeat(n))),
        ("after a property", |n| format!("a.return/{}/b", "[".repeat(n))),
        ("after an HTML comment", |n| format!("<!-- `\n{}", "[".repeat(n))),
        ("after a line separator", |n| format!("// `\u{2028}{}", "[".repeat(n))),
    ];
    for (name, form) in forms {
        for count in [1, 40, 190, 400, 1000, 1990, 5000, 100_000] {
            let is_parsed = is_parsed(form(count));
            assert!(is_parsed || count > 1 || name.contains("brace"), "{name} {count}");
            assert!(!is_parsed || count < 100_000 || name.contains("brace"), "{name} {count}");
        }
    }
}

#[test]
fn flat_scripts_are_parsed_at_any_length() {
    for line in [
        "a(b)\n",
        "a = b\n",
        "a(b);",
        "if (a) b; else c;",
        "if (a) { b } else { c }\n",
        "x = { a: 1, b: 2 }\n",
        "function f() { return 1 }\n",
        "a++\n",
        "tl.to('#a', { x: 1 }, 0)\n",
        "for (const a of b) { c() }\n",
        "while (a) b();",
        "x = a ? b : c;",
        "class A { m() {} }\n",
        "label: b;",
        "var f = function () {};\n",
        "await_(x)\n",
        "try { a } catch (e) { b }\n",
        "switch (a) { case 1: b; default: c }\n",
        "do { a } while (b);",
        "x = `a${b}c`\n",
        "x = /[(]/.test(a)\n",
        "return_(a), b;",
        "x = a => b;",
        "new A(b)\n",
    ] {
        assert!(is_parsed(line.repeat(20_000)), "{line}");
    }
    let list = format!("x = [{}]", "{ a: [1, -2, !b], c: 'd' },".repeat(50_000));
    assert!(is_parsed(list));
    let switch = format!("switch (a) {{ {} }}", "case 'x': b(); break;".repeat(5_000));
    assert!(is_parsed(switch));
}

proptest! {
    #[test]
    fn any_text_is_read(source in r#"(getVariables|\(\)|\.|\?\.|\{|\}|\[|\]|=|=>|,|;|v|'|"|`|\$\{|/|\*|const | |\n|é|\PC){0,40}"#) {
        for kind in [ScriptKind::Classic, ScriptKind::Module, ScriptKind::File] {
            let script = parse(&source, 0, kind);
            for (name, span) in script.reads {
                prop_assert_eq!(source.get(span.start..span.end).map(|raw| raw.contains('\\') || raw == name), Some(true));
            }
            if let Some(error) = script.error {
                prop_assert!(source.get(error.span.start..error.span.end).is_some(), "{:?}", error);
            }
        }
    }
}
