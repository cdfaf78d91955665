import{a as c}from"./chunk-7PMT7GRA.js";var g=80;function f(n){let r=c(n);return r?i(r,""):n}function i(n,r){let t=o(n);if(t.length+r.length<=g&&(n.kind!=="object"||r!==""&&a(n)))return t;let e=r+"  ";switch(n.kind){case"array":return n.values.length===0?"[]":`[
${n.values.map(s=>e+i(s,e)).join(`,
`)}
${r}]`;case"object":return n.members.length===0?"{}":`{
${n.members.map(([s,m])=>`${e}${JSON.stringify(s)}: ${i(m,e)}`).join(`,
`)}
${r}}`;default:return t}}function a(n){return n.members.every(([,r])=>r.kind!=="object"||r.members.length===0)}function o(n){switch(n.kind){case"null":return"null";case"boolean":return String(n.value);case"number":return n.text;case"string":return JSON.stringify(n.value);case"array":return`[${n.values.map(o).join(", ")}]`;case"object":return n.members.length===0?"{}":`{ ${n.members.map(([r,t])=>`${JSON.stringify(r)}: ${o(t)}`).join(", ")} }`}}export{f as a};
