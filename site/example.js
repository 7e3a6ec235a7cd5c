/** An example composition with a few problems. */
export const EXAMPLE = `<!doctype html>
<html data-composition-variables='[
  {"id": "title", "label": "Title", "type": "string", "default": "Hello, preflight"},
  {"id": "ink", "label": "Ink", "type": "color", "default": "#4f46e5"},
  {"id": "mood", "label": "Mood", "type": "enum", "default": "bold",
   "options": [{"value": "calm", "label": "Calm"}, {"value": "wild", "label": "Wild"}]},
  {"id": "size", "label": "Size", "type": "number", "default": 96}
]'>
<head>
  <style>
    body { margin: 0; background: #f4f1ea; font-family: Georgia, serif; }
    #card { width: 1920px; height: 1080px; display: grid; place-content: center; }
    h1 { color: var(--ink); font-size: calc(var(--size) * 1px); margin: 0; animation: rise 2s both; }
    #bar { height: 24px; background: var(--ink); animation: grow 4s both; transform-origin: left; }
    @keyframes rise { from { opacity: 0; transform: translateY(60px); } }
    @keyframes grow { from { transform: scaleX(0); } }
  </style>
</head>
<body>
  <div id="card" data-composition-id="main" data-no-timeline data-width="1920" data-height="1080" data-duration="4">
    <h1 data-var-text="titel">Hello, preflight</h1>
    <div id="bar"></div>
    <img src="assets/logo.png" alt="">
    <script>
      const { mood } = window.__hyperframes.getVariables();
      document.body.dataset.mood = mood;
    </script>
  </div>
</body>
</html>
`;
