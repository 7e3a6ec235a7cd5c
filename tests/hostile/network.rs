//! Probes of the network that need names or port 80: spellings of loopback, redirects of public hosts, and names that
//! resolve to addresses which are not public.

use super::collector::Collector;

/// Spellings of an address of this machine as the host of a URL, the name of the request, and whether it is `::1`.
const SPELLINGS: &[(&str, &str, &str, bool)] = &[
    ("loopback on port 80", "127.0.0.1", "port-80", false),
    ("loopback, decimal", "2130706433", "decimal", false),
    ("loopback, octal", "0177.0.0.1", "octal", false),
    ("loopback, hexadecimal", "0x7f.0.0.1", "hexadecimal", false),
    ("loopback, short", "127.1", "short", false),
    ("loopback, full width", "１２７。０。０。１", "full-width", false),
    ("loopback, unspecified", "0.0.0.0", "unspecified", false),
    ("loopback, IPv4 in IPv6", "[::ffff:127.0.0.1]", "mapped", false),
    ("loopback, IPv4 in IPv6, hexadecimal", "[::ffff:7f00:1]", "mapped-hexadecimal", false),
    ("loopback, localhost with a dot", "localhost.", "localhost-dot", false),
    ("loopback, IPv6", "[::1]", "ipv6", true),
    ("loopback, IPv6, unspecified", "[::]", "ipv6-unspecified", true),
];

/// Names that the program resolves to addresses of this machine; see [`Collector::test_hosts`].
const NAMES: &[(&str, &str, &str, bool)] = &[
    ("a name with the address of loopback", "private.test", "dns-loopback", false),
    ("a name with the address ::1", "private-v6.test", "dns-ipv6", true),
    ("a name with an IPv4 address in IPv6", "mapped.test", "dns-mapped", false),
];

/// One probe: its name, the name of the request, and the URL that the page loads.
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) request: &'static str,
    pub(crate) url: String,
}

/// Returns URLs for a script of a page, and why some were not tried.
pub(crate) fn of_scripts(collector: &Collector) -> (Vec<Target>, Vec<String>) {
    let (mut all, mut untried) = (Vec::new(), Vec::new());
    for (name, host, request, is_v6) in SPELLINGS.iter().chain(NAMES) {
        let has_server = if *is_v6 { collector.has_web_v6 } else { collector.has_web };
        match has_server {
            true => {
                all.push(Target {
                    name: (*name).to_owned(),
                    request,
                    url: format!("http://{host}/{request}"),
                });
            }
            false => untried.push(format!("{name}: port 80 of this machine cannot be bound")),
        }
    }
    for (status, request, target) in [
        ("301", "redirect-301", "127.0.0.1"),
        ("302", "redirect-302", "localhost"),
        ("303", "redirect-303", "2130706433"),
        ("307", "redirect-307", "[::ffff:127.0.0.1]"),
        ("308", "redirect-308", "0.0.0.0"),
    ] {
        let target = format!("http://{target}:{}/{request}", collector.port);
        let url = format!("http://cdn.test/redirect{status}?{target}");
        all.push(Target { name: format!("a redirect ({status}) to loopback"), request, url });
    }
    let twice = format!("http://127.0.0.1:{}/redirect-twice", collector.port);
    all.push(Target {
        name: "two redirects to loopback".to_owned(),
        request: "redirect-twice",
        url: format!("http://cdn.test/redirect?http://other.test/redirect?{twice}"),
    });
    if collector.has_web {
        for (name, host, request) in [
            ("a redirect to port 80 of loopback", "127.0.0.1", "redirect-port-80"),
            ("a redirect to a name of loopback", "private.test", "redirect-name"),
        ] {
            let url = format!("http://cdn.test/redirect?http://{host}/{request}");
            all.push(Target { name: name.to_owned(), request, url });
        }
    }
    (all, untried)
}

/// Returns elements whose URLs the engine itself loads before the page runs, each with its probe.
pub(crate) fn of_elements(collector: &Collector) -> Vec<(Target, String)> {
    let redirect =
        |request: &str| format!("http://cdn.test/redirect?http://127.0.0.1:{}/{request}", collector.port);
    let mut all = Vec::new();
    for (name, request, before, after) in [
        ("a redirect of a script element", "element-script", "<script src=\"", "\"></script>"),
        ("a redirect of a style sheet", "element-style", "<link rel=\"stylesheet\" href=\"", "\">"),
        ("a redirect of @import", "element-import", "<style>@import \"", "\";</style>"),
        ("a redirect of a picture", "element-picture", "<img src=\"", "\">"),
        (
            "a redirect of a font",
            "element-font",
            "<style>@font-face{font-family:x;src:url(\"",
            "\")} p{font-family:x}</style><p>x</p>",
        ),
    ] {
        let url = redirect(request);
        let markup = format!("{before}{url}{after}");
        all.push((Target { name: name.to_owned(), request, url }, markup));
    }
    all
}
