/** An example composition with a few problems. */
export const EXAMPLE = `<!doctype html>
<html data-composition-variables='[
  {"id": "title", "label": "Title", "type": "string", "default": "Hello"},
  {"id": "ink", "label": "Ink", "type": "color", "default": "#12345"},
  {"id": "mood", "label": "Mood", "type": "enum", "default": "calm",
   "options": [{"value": "calm", "label": "Calm"}, {"value": "wild", "label": "Wild"}]},
  {"id": "size", "label": "Size", "type": "number", "default": 64}
]'>
<body>
  <div data-composition-id="main" data-no-timeline data-width="1920" data-height="1080" data-duration="4">
    <h1 data-var-text="titel">Hello</h1>
    <img src="assets/logo.png" alt="">
    <style>h1 { color: var(--ink); font-size: calc(var(--size) * 1px) }</style>
    <script>
      const { mood } = window.__hyperframes.getVariables();
      document.body.dataset.mood = mood;
    </script>
  </div>
</body>
</html>
`;
