import{a as f,c as p}from"./chunk-IIK3HGOH.js";import{c as d,d as g}from"./chunk-4SVNWUIB.js";import{a as m,e as c}from"./chunk-5ZEGJ575.js";var a=80,b={number:n=>n,members:n=>n,space:" "};function $(n){let t=f(n);return t?i(t,""):n}function i(n,t){let r=p(n,b);if(r.length+t.length<=a&&(n.kind!=="object"||t!==""&&l(n)))return r;let e=t+"  ";switch(n.kind){case"array":return n.values.length===0?"[]":`[
${n.values.map(o=>e+i(o,e)).join(`,
`)}
${t}]`;case"object":return n.members.length===0?"{}":`{
${n.members.map(([o,u])=>`${e}${JSON.stringify(o)}: ${i(u,e)}`).join(`,
`)}
${t}}`;default:return r}}function l(n){return n.members.every(([,t])=>t.kind!=="object"||t.members.length===0)}function w(n){let t=r=>{if(!/^\d{4}-\d\d-\d\d|^today$|^yesterday$/i.test(r.trim()))return r;let s=m(r,{now:c(),zone:n.tz});return s===void 0?r:d(Number(s)/1e3)};return{from:t(n.from),to:t(n.to)}}function k(n){return g({from:n.from,to:n.to},n.tz)}export{$ as a,w as b,k as c};
