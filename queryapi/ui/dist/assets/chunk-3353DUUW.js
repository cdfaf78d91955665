function i(t,r){return new Promise(e=>{let o=setTimeout(e,t);r.addEventListener("abort",()=>(clearTimeout(o),e()),{once:!0})})}export{i as a};
