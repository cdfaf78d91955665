import{K as y}from"./chunk-EYLB4SVM.js";import{s as h}from"./chunk-VG7LPYL6.js";function m(i,s){let e=0;for(;e<i.length&&e<s.length&&i[e]===s[e];)e++;let t=0;for(;t<i.length-e&&t<s.length-e&&i[i.length-1-t]===s[s.length-1-t];)t++;let o=i.length-e-t,g=s.length-e-t,d=[];for(let n=0;n<e;n++)d.push([n,n]);let f=Array.from({length:o+1},()=>new Uint16Array(g+1));for(let n=o-1;n>=0;n--)for(let r=g-1;r>=0;r--)f[n][r]=i[e+n]===s[e+r]?f[n+1][r+1]+1:Math.max(f[n+1][r],f[n][r+1]);for(let n=0,r=0;n<o&&r<g;)i[e+n]===s[e+r]?d.push([e+n++,e+r++]):f[n+1][r]>=f[n][r+1]?n++:r++;for(let n=t;n>0;n--)d.push([i.length-n,s.length-n]);return d}var b=i=>i===""?[]:i.split(`
`);function w(i,s){let e=b(i),t=b(s),o=[],g=0,d=0;for(let[f,n]of[...m(e,t),[e.length,t.length]]){for(;g<f;)o.push({kind:"removed",text:e[g++]});for(;d<n;)o.push({kind:"added",text:t[d++]});f<e.length&&o.push({kind:"same",text:e[f]}),g=f+1,d=n+1}return o}function M(i,s,e){let t=i.split(`
`),o=new Map(m(t,s.split(`
`))),g=new Map(m(t,e.split(`
`))),[d,f]=[s.split(`
`),e.split(`
`)],n=[],r=0,k=0,D=0;for(let l=0;l<=t.length;l++){let u=l===t.length?d.length:o.get(l),p=l===t.length?f.length:g.get(l);if(u===void 0||p===void 0)continue;let j=t.slice(r,l).join(`
`),[c,a]=[d.slice(k,u),f.slice(D,p)];if(c.join(`
`)===a.join(`
`)&&c.length===a.length)n.push(...c);else if(c.join(`
`)===j&&c.length===l-r)n.push(...a);else if(a.join(`
`)===j&&a.length===l-r)n.push(...c);else return;l<t.length&&n.push(t[l]),r=l+1,k=u+1,D=p+1}return n.join(`
`)}var L=3,S={same:" ",added:"+",removed:"−"};function T({before:i,after:s,label:e}){let t=w(i,s);return t.every(o=>o.kind==="same")?h("p",{class:"muted",children:"There is no difference."}):h("pre",{class:"code json diff",tabIndex:0,role:"group","aria-label":e,children:v(t).map((o,g)=>h("span",{class:`diff-line ${o.kind}`,children:`${S[o.kind]} ${y(o.text,2e3)}
`},g))})}function v(i){let s=i.map((e,t)=>i.slice(Math.max(0,t-L),t+L+1).some(o=>o.kind!=="same"));return i.flatMap((e,t)=>s[t]?[e]:t>0&&!s[t-1]?[]:[{kind:"same",text:"…"}])}var x=(i,s)=>`eye.draft.${JSON.stringify([i,s])}`;function A(i,s){let e=sessionStorage.getItem(x(i,s));return e===null?void 0:JSON.parse(e)}function X(i,s,e){try{e?sessionStorage.setItem(x(i,s),JSON.stringify(e)):sessionStorage.removeItem(x(i,s))}catch{}}export{M as a,T as b,A as c,X as d};
