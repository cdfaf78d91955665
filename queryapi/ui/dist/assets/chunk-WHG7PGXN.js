var d=new Set;function o(...n){for(let e of n){if(d.has(e))continue;d.add(e);let t=new CSSStyleSheet;t.replaceSync(e),document.adoptedStyleSheets=[...document.adoptedStyleSheets,t]}}export{o as a};
