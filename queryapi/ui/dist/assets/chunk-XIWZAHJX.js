import{a as t,d as e}from"./chunk-EYLB4SVM.js";var r=(l,n)=>t(e("events",l),{application:n});export{r as a};
