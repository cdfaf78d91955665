import{H as p,X as w}from"./chunk-QAT2VQZV.js";function m(i,s){let t=0;for(;t<i.length&&t<s.length&&i[t]===s[t];)t++;let n=0;for(;n<i.length-t&&n<s.length-t&&i[i.length-1-n]===s[s.length-1-n];)n++;let o=i.length-t-n,g=s.length-t-n,h=[];for(let e=0;e<t;e++)h.push([e,e]);let l=Array.from({length:o+1},()=>new Uint16Array(g+1));for(let e=o-1;e>=0;e--)for(let r=g-1;r>=0;r--)l[e][r]=i[t+e]===s[t+r]?l[e+1][r+1]+1:Math.max(l[e+1][r],l[e][r+1]);for(let e=0,r=0;e<o&&r<g;)i[t+e]===s[t+r]?h.push([t+e++,t+r++]):l[e+1][r]>=l[e][r+1]?e++:r++;for(let e=n;e>0;e--)h.push([i.length-e,s.length-e]);return h}var L=i=>i===""?[]:i.split(`
`);function y(i,s){let t=L(i),n=L(s),o=[],g=0,h=0;for(let[l,e]of[...m(t,n),[t.length,n.length]]){for(;g<l;)o.push({kind:"removed",text:t[g++]});for(;h<e;)o.push({kind:"added",text:n[h++]});l<t.length&&o.push({kind:"same",text:t[l]}),g=l+1,h=e+1}return o}function v(i,s,t){let n=i.split(`
`),o=new Map(m(n,s.split(`
`))),g=new Map(m(n,t.split(`
`))),[h,l]=[s.split(`
`),t.split(`
`)],e=[],r=0,x=0,j=0;for(let f=0;f<=n.length;f++){let u=f===n.length?h.length:o.get(f),a=f===n.length?l.length:g.get(f);if(u===void 0||a===void 0)continue;let k=n.slice(r,f).join(`
`),[c,d]=[h.slice(x,u),l.slice(j,a)];if(c.join(`
`)===d.join(`
`)&&c.length===d.length)e.push(...c);else if(c.join(`
`)===k&&c.length===f-r)e.push(...d);else if(d.join(`
`)===k&&d.length===f-r)e.push(...c);else return;f<n.length&&e.push(n[f]),r=f+1,x=u+1,j=a+1}return e.join(`
`)}var D=3,M={same:" ",added:"+",removed:"−"};function J({before:i,after:s,label:t}){let n=y(i,s);return n.every(o=>o.kind==="same")?p("p",{class:"muted",children:"There is no difference."}):p("pre",{class:"code json diff",tabIndex:0,role:"group","aria-label":t,children:b(n).map((o,g)=>p("span",{class:`diff-line ${o.kind}`,children:`${M[o.kind]} ${w(o.text,2e3)}
`},g))})}function b(i){let s=i.map((t,n)=>i.slice(Math.max(0,n-D),n+D+1).some(o=>o.kind!=="same"));return i.flatMap((t,n)=>s[n]?[t]:n>0&&!s[n-1]?[]:[{kind:"same",text:"…"}])}export{v as a,J as b};
