import{a as g}from"./chunk-7PMT7GRA.js";import{c as d,d as u}from"./chunk-4SVNWUIB.js";import{a as c,e as f}from"./chunk-5ZEGJ575.js";var p=80;function $(n){let r=g(n);return r?i(r,""):n}function i(n,r){let t=m(n);if(t.length+r.length<=p&&(n.kind!=="object"||r!==""&&b(n)))return t;let e=r+"  ";switch(n.kind){case"array":return n.values.length===0?"[]":`[
${n.values.map(o=>e+i(o,e)).join(`,
`)}
${r}]`;case"object":return n.members.length===0?"{}":`{
${n.members.map(([o,a])=>`${e}${JSON.stringify(o)}: ${i(a,e)}`).join(`,
`)}
${r}}`;default:return t}}function b(n){return n.members.every(([,r])=>r.kind!=="object"||r.members.length===0)}function m(n){switch(n.kind){case"null":return"null";case"boolean":return String(n.value);case"number":return n.text;case"string":return JSON.stringify(n.value);case"array":return`[${n.values.map(m).join(", ")}]`;case"object":return n.members.length===0?"{}":`{ ${n.members.map(([r,t])=>`${JSON.stringify(r)}: ${m(t)}`).join(", ")} }`}}function J(n){let r=t=>{if(!/^\d{4}-\d\d-\d\d|^today$|^yesterday$/i.test(t.trim()))return t;let s=c(t,{now:f(),zone:n.tz});return s===void 0?t:d(Number(s)/1e3)};return{from:r(n.from),to:r(n.to)}}function k(n){return u({from:n.from,to:n.to},n.tz)}export{$ as a,J as b,k as c};
