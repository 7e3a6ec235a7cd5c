//! Recognizes CSS colors. Source: CSS Color Module Level 4, with the functions of Level 5.

/// The color functions. Their arguments are not checked.
const FUNCTIONS: &[&str] = &[
    "rgb",
    "rgba",
    "hsl",
    "hsla",
    "hwb",
    "lab",
    "lch",
    "oklab",
    "oklch",
    "color",
    "color-mix",
    "light-dark",
    "contrast-color",
    "device-cmyk",
    "var",
];

/// The named colors, the system colors and the keywords, sorted.
const NAMES: &[&str] = &[
    "accentcolor",
    "accentcolortext",
    "activetext",
    "aliceblue",
    "antiquewhite",
    "aqua",
    "aquamarine",
    "azure",
    "beige",
    "bisque",
    "black",
    "blanchedalmond",
    "blue",
    "blueviolet",
    "brown",
    "burlywood",
    "buttonborder",
    "buttonface",
    "buttontext",
    "cadetblue",
    "canvas",
    "canvastext",
    "chartreuse",
    "chocolate",
    "coral",
    "cornflowerblue",
    "cornsilk",
    "crimson",
    "currentcolor",
    "cyan",
    "darkblue",
    "darkcyan",
    "darkgoldenrod",
    "darkgray",
    "darkgreen",
    "darkgrey",
    "darkkhaki",
    "darkmagenta",
    "darkolivegreen",
    "darkorange",
    "darkorchid",
    "darkred",
    "darksalmon",
    "darkseagreen",
    "darkslateblue",
    "darkslategray",
    "darkslategrey",
    "darkturquoise",
    "darkviolet",
    "deeppink",
    "deepskyblue",
    "dimgray",
    "dimgrey",
    "dodgerblue",
    "field",
    "fieldtext",
    "firebrick",
    "floralwhite",
    "forestgreen",
    "fuchsia",
    "gainsboro",
    "ghostwhite",
    "gold",
    "goldenrod",
    "gray",
    "graytext",
    "green",
    "greenyellow",
    "grey",
    "highlight",
    "highlighttext",
    "honeydew",
    "hotpink",
    "indianred",
    "indigo",
    "ivory",
    "khaki",
    "lavender",
    "lavenderblush",
    "lawngreen",
    "lemonchiffon",
    "lightblue",
    "lightcoral",
    "lightcyan",
    "lightgoldenrodyellow",
    "lightgray",
    "lightgreen",
    "lightgrey",
    "lightpink",
    "lightsalmon",
    "lightseagreen",
    "lightskyblue",
    "lightslategray",
    "lightslategrey",
    "lightsteelblue",
    "lightyellow",
    "lime",
    "limegreen",
    "linen",
    "linktext",
    "magenta",
    "mark",
    "marktext",
    "maroon",
    "mediumaquamarine",
    "mediumblue",
    "mediumorchid",
    "mediumpurple",
    "mediumseagreen",
    "mediumslateblue",
    "mediumspringgreen",
    "mediumturquoise",
    "mediumvioletred",
    "midnightblue",
    "mintcream",
    "mistyrose",
    "moccasin",
    "navajowhite",
    "navy",
    "oldlace",
    "olive",
    "olivedrab",
    "orange",
    "orangered",
    "orchid",
    "palegoldenrod",
    "palegreen",
    "paleturquoise",
    "palevioletred",
    "papayawhip",
    "peachpuff",
    "peru",
    "pink",
    "plum",
    "powderblue",
    "purple",
    "rebeccapurple",
    "red",
    "rosybrown",
    "royalblue",
    "saddlebrown",
    "salmon",
    "sandybrown",
    "seagreen",
    "seashell",
    "selecteditem",
    "selecteditemtext",
    "sienna",
    "silver",
    "skyblue",
    "slateblue",
    "slategray",
    "slategrey",
    "snow",
    "springgreen",
    "steelblue",
    "tan",
    "teal",
    "thistle",
    "tomato",
    "transparent",
    "turquoise",
    "violet",
    "visitedtext",
    "wheat",
    "white",
    "whitesmoke",
    "yellow",
    "yellowgreen",
];

/// Returns whether `text` has the form of a CSS color.
pub(crate) fn is_color(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    if let Some(digits) = text.strip_prefix('#') {
        return matches!(digits.len(), 3 | 4 | 6 | 8)
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    }
    match text.split_once('(') {
        Some((function, rest)) => {
            let depth = rest.chars().try_fold(1_usize, |depth, character| match character {
                // The function is closed before the end, so other text follows it.
                _ if depth == 0 => None,
                '(' => Some(depth + 1),
                ')' => Some(depth - 1),
                _ => Some(depth),
            });
            FUNCTIONS.contains(&function) && depth == Some(0) && rest.len() > 1
        }
        None => NAMES.binary_search(&text.as_str()).is_ok(),
    }
}

/// Returns whether `text` is a color, or a gradient of colors, that shows nothing of what is behind it. What only a browser
/// can evaluate, such as `var()`, is not.
pub(crate) fn is_opaque(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    if text.contains("-gradient(") {
        let may_be_clear = ["transparent", "rgba(", "hsla(", "/", "var(", "url("];
        return text.ends_with(')') && !may_be_clear.iter().any(|part| text.contains(part));
    }
    if !is_color(&text) {
        return false;
    }
    if let Some(digits) = text.strip_prefix('#') {
        return match digits.len() {
            4 => digits.ends_with('f'),
            8 => digits.ends_with("ff"),
            _ => true,
        };
    }
    let Some((function, arguments)) = text.split_once('(') else {
        return !matches!(&*text, "transparent" | "currentcolor");
    };
    let arguments = arguments.trim_end_matches(')');
    let alpha = match arguments.split_once('/') {
        Some((_, alpha)) => Some(alpha),
        None => arguments.split(',').nth(3),
    };
    let is_full = |alpha: &str| match alpha.trim().strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().is_ok_and(|percent| percent >= 100.0),
        None => alpha.trim().parse::<f64>().is_ok_and(|alpha| alpha >= 1.0),
    };
    !matches!(function, "color-mix" | "light-dark" | "var") && alpha.is_none_or(is_full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted() {
        assert!(NAMES.is_sorted());
    }

    #[test]
    fn opaque_colors_and_others() {
        for opaque in [
            "#fff",
            "#123F",
            "Red",
            "rgb(0, 0, 0)",
            "rgb(0 0 0 / 100%)",
            "rgba(0,0,0,1)",
            "oklch(60% 0.1 20)",
            "linear-gradient(90deg, #000, #fff)",
        ] {
            assert!(is_opaque(opaque), "{opaque}");
        }
        for other in [
            "#fff8",
            "#a1b2c300",
            "transparent",
            "none",
            "rgba(0,0,0,.5)",
            "rgb(0 0 0 / 50%)",
            "var(--accent)",
            "url(a.png)",
            "linear-gradient(#000, transparent)",
            "inherit",
        ] {
            assert!(!is_opaque(other), "{other}");
        }
    }

    #[test]
    fn colors_and_others() {
        for color in [
            "#fff",
            "#FFF8",
            "#a1b2c3",
            "#a1b2c3d4",
            "Red",
            " rebeccapurple ",
            "transparent",
            "currentColor",
            "rgb(0 0 0 / 50%)",
            "rgba(0,0,0,.5)",
            "oklch(60% 0.1 20)",
            "color-mix(in srgb, red, rgb(0 0 0))",
            "var(--accent)",
        ] {
            assert!(is_color(color), "{color}");
        }
        for other in [
            "",
            "#",
            "#ff",
            "#ggg",
            "#fffff",
            "reddish",
            "rgb",
            "rgb(",
            "rgb()",
            "rgb(0) red",
            "url(x)",
            "12px",
        ] {
            assert!(!is_color(other), "{other}");
        }
    }
}
