//! Which animations the engine sets to the time of the frame, for the rule `unseeked-animation`: each kind moves a bar
//! by 600 pixels in the time of a frame. Animations last longer than the video: one that has ended is set, too.

use super::*;

/// What the engine does about a kind of animation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    /// It sets the time exactly.
    Set,
    /// It adds the time at which the animation started: 0 to 83 ms in 12 renders on a machine with two cores. A single
    /// render may be exact.
    Offset,
    /// The animation follows the real clock.
    Real,
}

use Time::{Offset, Real, Set};

/// Name of a kind, what the engine does, its element and its style.
const KINDS: &[(&str, Time, &str, &str)] = &[
    ("CSS, HTML", Set, "<div class=\"bar\" id=\"a\"></div>", "#a { animation: go 4s linear both }"),
    (
        "CSS, HTML, a property of the layout",
        Set,
        "<div class=\"bar\" id=\"b\"></div>",
        "@keyframes left { from { left: 0 } to { left: 12000px } } #b { animation: left 4s linear both }",
    ),
    ("element.animate(), HTML", Set, "<div class=\"bar\" id=\"c\"></div>", ""),
    (
        "element.animate(), SVG",
        Set,
        "<svg><rect id=\"d\" width=\"80\" height=\"80\" fill=\"#fff\"/></svg>",
        "",
    ),
    (
        "CSS, SVG",
        Offset,
        "<svg><rect id=\"e\" width=\"80\" height=\"80\" fill=\"#fff\"/></svg>",
        "#e { animation: go 4s linear both }",
    ),
    (
        "CSS, a pseudo-element",
        Offset,
        "<div id=\"f\"></div>",
        "#f::before { content: \"\"; position: absolute; width: 80px; height: 80px; background: #fff; animation: go 4s linear both }",
    ),
    (
        "SMIL",
        Real,
        "<svg><rect width=\"80\" height=\"80\" fill=\"#fff\"><animate attributeName=\"x\" from=\"0\" to=\"12000\" dur=\"4s\" fill=\"freeze\"/></rect></svg>",
        "",
    ),
    ("SMIL in an image", Real, "<img src=\"smil.svg\">", ""),
    ("CSS in an image", Real, "<img src=\"css.svg\">", ""),
];

/// Images that animate on their own.
const IMAGES: &[(&str, &str)] = &[
    (
        "smil.svg",
        "<rect width=\"80\" height=\"80\" fill=\"#fff\"><animate attributeName=\"x\" from=\"0\" to=\"12000\" dur=\"4s\" fill=\"freeze\"/></rect>",
    ),
    (
        "css.svg",
        "<style>@keyframes go { to { transform: translateX(12000px) } } rect { animation: go 4s linear both }</style>\
         <rect width=\"80\" height=\"80\" fill=\"#fff\"/>",
    ),
];

/// Height of a row in pixels.
const ROW: usize = 80;

/// Width of the page in pixels.
const WIDTH: usize = 1280;

fn page() -> String {
    let rows = KINDS.iter().enumerate().map(|(row, (_, _, element, _))| {
        format!("<div class=\"row\" style=\"top: {}px\">{element}</div>\n", row * ROW)
    });
    let (rows, styles) = (rows.collect::<String>(), KINDS.iter().map(|kind| kind.3).collect::<String>());
    format!(
        "<!doctype html>\n<html><head><style>\n\
        body {{ margin: 0 }} #root {{ position: relative; width: {WIDTH}px; height: 720px; background: #000 }}\n\
        .row {{ position: absolute; left: 0; width: {WIDTH}px; height: {ROW}px; overflow: hidden }}\n\
        .bar {{ position: absolute; left: 0; width: 80px; height: 80px; background: #fff }}\n\
        svg {{ width: {WIDTH}px; height: {ROW}px }}\n\
        @keyframes go {{ from {{ transform: translateX(0) }} to {{ transform: translateX(12000px) }} }}\n{styles}\n\
        </style></head><body>\n\
        <div id=\"root\" data-composition-id=\"main\" data-width=\"{WIDTH}\" data-height=\"720\" data-duration=\"0.4\" data-no-timeline>\n\
        {rows}</div>\n<script>\n\
        for (const id of [\"c\", \"d\"]) document.getElementById(id).animate(\
        [{{ transform: \"translateX(0)\" }}, {{ transform: \"translateX(12000px)\" }}], {{ duration: 4000, fill: \"both\" }});\n\
        </script></body></html>\n"
    )
}

/// Returns the left edge of the bar in a row of a frame, in pixels of the page.
fn left_edge(frame: &[u8], row: usize) -> usize {
    let line = (row * ROW + ROW / 2) * SIZE.0 / WIDTH;
    let pixels = &frame[line * SIZE.0 * 3..(line + 1) * SIZE.0 * 3];
    pixels.chunks(3).position(|pixel| pixel[0] > 128).unwrap_or(SIZE.0) * WIDTH / SIZE.0
}

#[test]
#[ignore = "renders a video: cargo xtask test proof"]
fn the_engine_sets_the_time_of_these_animations() {
    let folder = tempfile::tempdir().unwrap();
    let images = IMAGES.iter().map(|(name, drawing)| {
        let image = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{ROW}\">{drawing}</svg>"
        );
        ((*name).to_owned(), Vec::new(), image)
    });
    let page = ("index.html".to_owned(), Vec::new(), page());
    let case = Case {
        name: "seek".to_owned(),
        header: serde_json::json!({}),
        sections: [page].into_iter().chain(images).collect(),
    };
    let project = case.unpack(&folder.path().join("repo"), false);
    let video = render(&case, &project, folder.path(), false);
    assert_eq!(video.failure, None);
    let frames = video.frames.chunks(SIZE.0 * SIZE.1 * 3).collect::<Vec<_>>();
    assert_eq!(frames.len(), 2);
    for (row, (kind, time, ..)) in KINDS.iter().enumerate() {
        let edges = [left_edge(frames[0], row), left_edge(frames[1], row)];
        let off = edges[0].abs_diff(0).max(edges[1].abs_diff(600));
        if *time != Offset {
            assert_eq!(off <= 8, *time == Set, "{kind}: the bar is at {edges:?}, of [0, 600]");
        }
    }
    let found = run_in(&project, &["check", ".", "--json"]).json()["diagnostics"].clone();
    let count =
        found.as_array().unwrap().iter().filter(|found| found["code"] == "unseeked-animation").count();
    assert_eq!(count, KINDS.iter().filter(|kind| kind.1 != Set).count(), "{found}");
}
