var e=(n,d)=>Object.hasOwn(n,d)?n[d]:void 0;export{e as a};
