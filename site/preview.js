export function closePreview() {}
export function preparePreview() {}
export function showValues() {}
