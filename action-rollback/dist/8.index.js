var e={};(()=>{e.d=(n,t)=>{for(var r in t){if(e.o(t,r)&&!e.o(n,r)){Object.defineProperty(n,r,{enumerable:true,get:t[r]})}}}})();(()=>{e.o=(e,n)=>Object.prototype.hasOwnProperty.call(e,n)})();var n={};e.d(n,{a:()=>a,d:()=>r,id:()=>t});const t=8;const r=[8];const a={37900:(e,n,t)=>{t.d(n,{renderPage:()=>renderPage});var r=t(85226);var a=t(96170);const i={passed:(0,a.q)`<path d="m7 12.5 3.4 3.4L17 9" />`,warned:(0,a.q)`<path d="M12 6.8v6.4M12 17v.1" />`,failed:(0,a.q)`<path d="m8 8 8 8m0-8-8 8" />`,inconclusive:(0,a.q)`<path d="M9.2 9.6a2.8 2.8 0 1 1 4 2.6c-.8.4-1.2 1-1.2 1.9M12 17.2v.1" />`,restored:(0,a.q)`<path d="M7.5 9.5h6a3.4 3.4 0 0 1 0 6.8H10M10.3 6.6 7.4 9.5l2.9 2.9" />`};function mark(e){return(0,a.q)`<svg class="mark ${e}" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
    <circle cx="12" cy="12" r="11" />
    ${i[e]}
  </svg>`}var o=t(8266);const d=2e3;const s=12;function stageSection(e,n){const t=`stage-${n+1}`;const{reason:i,error:d,dataState:s,nextStep:l,figures:c,findings:p,tables:u}=e;return(0,a.q)`<section class="stage ${e.result}" id="${t}" aria-labelledby="${t}-title">
    <h2 id="${t}-title">
      ${mark(e.result)}<span>${(0,o.CT)(e)} <small>${e.result} in ${(0,r.a)(e.milliseconds)}</small></span>
    </h2>
    ${i===undefined||d!==undefined?undefined:(0,a.q)`<p>${i}</p>`} ${d===undefined?undefined:errorBox(d)}
    ${sentences([["State of the data",s],["Next step",l]])}
    ${c.length===0?undefined:figureList(c)} ${p.length===0?undefined:findingList(p)}
    ${u.map((e,n)=>dataTable(e,`${t}-table-${n+1}`))} ${outputs(e)}
  </section> `}function errorBox({code:e,message:n,remedy:t}){return(0,a.q)`<div class="error">
    <p><code>${e}</code> ${n}</p>
    <p><strong>What to do:</strong> ${t}</p>
  </div>`}function sentences(e){return e.flatMap(([e,n])=>n===undefined?[]:[(0,a.q)`<p><strong>${e}:</strong> ${n}</p>`])}function figureList(e){return(0,a.q)`<dl class="figures">
    ${e.map(({name:e,value:n})=>(0,a.q)`<div>
          <dt>${e}</dt>
          <dd>${n}</dd>
        </div>`)}
  </dl>`}function findingList(e){const n=(0,o.Np)(e).slice(0,d);return(0,a.q)`<h3>Findings</h3>
    <ul class="findings">
      ${n.map(finding)}${more(e.length-n.length)}
    </ul>`}function finding(e){const n=e.place===undefined?undefined:(0,a.q)` <span class="place">${(0,o.ik)(e.place)}</span>`;return(0,a.q)`<li class="${e.severity}"><strong>${e.severity}</strong> <code>${e.rule}</code> ${e.message}${n}</li>`}function dataTable({title:e,columns:n,rows:t},r){const i=t.slice(0,d);const o=n.map((e,n)=>isNumeric(i.map(e=>e[n]??"")));const l=i.map(e=>(0,a.q)`<tr>
        ${n.map((n,t)=>cell(e[t]??"",o[t]===true))}
      </tr>`);const c=(0,a.q)`<div class="scroll" role="region" tabindex="0" aria-labelledby="${r}">
      <table aria-labelledby="${r}">
        <thead>
          <tr>
            ${n.map((e,n)=>(0,a.q)`<th scope="col" ${o[n]===true?(0,a.q)` class="number"`:undefined}>${e}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${l}
        </tbody>
      </table>
    </div>
    ${t.length>i.length?(0,a.q)`<ul>
            ${more(t.length-i.length)}
          </ul>`:undefined}`;if(t.length<=s)return(0,a.q)`<h3 id="${r}">${e}</h3>
      ${c}`;return(0,a.q)`<details>
    <summary>
      <h3 id="${r}">${e}</h3>
      <small>${t.length} rows</small>
    </summary>
    ${c}
  </details>`}function cell(e,n){return(0,a.q)`<td${n?(0,a.q)` class="number"`:undefined}>${e}</td>`}function isNumeric(e){const n=e.filter(e=>e!==""&&e!=="–");return n.length>0&&n.every(e=>/^[-+]?\d[\d,.]*\s?(%|ms|s|[KMGT]?i?B)?$/.test(e))}function more(e){return e>0?(0,a.q)`<li>… and ${e} more in the run report.</li>`:undefined}function outputs({outputs:e}){const n=Object.entries(e).filter(([,e])=>e!=="");if(n.length===0)return undefined;return(0,a.q)`<details>
    <summary>Outputs</summary>
    <dl class="outputs">
      ${n.map(([e,n])=>(0,a.q)`<div>
            <dt>${e}</dt>
            <dd>${n}</dd>
          </div>`)}
    </dl>
  </details>`}const l=`\n:root {\n  color-scheme: light dark;\n  --ground: #f6f8fa; --card: #fff; --line: #d1d9e0; --text: #1f2328; --quiet: #59636e; --link: #0860ca; --on: #fff;\n  --passed: #1a7f37; --warned: #8a5a00; --failed: #c11c28; --inconclusive: #59636e; --restored: #6639ba;\n}\n@media (prefers-color-scheme: dark) {\n  :root {\n    --ground: #0d1117; --card: #151b23; --line: #3d444d; --text: #f0f6fc; --quiet: #9da7b3; --link: #6cb6ff; --on: #0d1117;\n    --passed: #4cc764; --warned: #e0a62f; --failed: #ff7b72; --inconclusive: #9da7b3; --restored: #c297ff;\n  }\n}\n* { box-sizing: border-box; }\nhtml { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }\n@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }\nbody { margin: 0; padding: 0 16px 48px; background: var(--ground); color: var(--text); overflow-wrap: anywhere;\n  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif; }\n.passed { --tone: var(--passed); } .warned { --tone: var(--warned); } .failed { --tone: var(--failed); }\n.inconclusive { --tone: var(--inconclusive); } .restored { --tone: var(--restored); }\nheader, main, footer { max-width: 1000px; margin: 0 auto; }\nheader { padding: 24px 0 8px; }\np, dl, ol, ul { margin: 0; padding: 0; }\ndd { margin: 0; }\na { color: var(--link); }\na:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 4px; }\ncode { font: 600 0.875em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; }\nsmall { font-size: 0.875rem; font-weight: 400; color: var(--quiet); }\n.product { font-weight: 600; color: var(--quiet); }\n.product span { font-weight: 400; }\n.product span::before { content: "/ "; }\nh1 { display: flex; align-items: center; gap: 14px; margin: 8px 0 12px; font-size: clamp(1.625rem, 5vw, 2.375rem); line-height: 1.2; color: var(--tone); }\nh2 { display: flex; align-items: flex-start; gap: 10px; margin: 0 0 12px; font-size: 1.25rem; line-height: 1.4; }\nh3 { margin: 20px 0 8px; font-size: 1rem; }\n.mark { flex: none; fill: var(--tone); stroke: var(--on); stroke-width: 2.2; stroke-linecap: round; stroke-linejoin: round; }\n.mark circle { stroke: none; } .mark path { fill: none; }\nh1 .mark { width: 1.15em; height: 1.15em; } h2 .mark { margin-top: 2px; }\n.facts { display: flex; flex-wrap: wrap; gap: 4px 24px; font-size: 0.9375rem; }\n.facts div { display: flex; gap: 6px; }\n.facts dt { color: var(--quiet); }\n.facts dd { font-weight: 600; }\n.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)); gap: 12px; margin: 12px 0 24px; }\n.answers div { padding: 14px 16px; border: 1px solid var(--line); border-top: 4px solid var(--tone); border-radius: 8px; background: var(--card); }\n.answers dt { margin-bottom: 4px; font-size: 0.875rem; font-weight: 600; color: var(--quiet); }\n.answers .next { border-width: 2px; border-top-width: 4px; border-color: var(--tone); }\n.answers .next dt { color: var(--tone); }\n.answers .next dd { font-weight: 600; }\nsection { margin: 0 0 16px; padding: 18px 20px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }\n.stage { border-left: 4px solid var(--tone); scroll-margin-top: 12px; }\n.stage p + p { margin-top: 8px; }\n.timeline { list-style: none; }\n.timeline li { display: grid; grid-template-columns: minmax(9em, 14em) 1fr 7em 5.5em; align-items: center; gap: 12px; padding: 5px 0; border-top: 1px solid var(--line); }\n.timeline li:first-child { border-top: 0; }\n.track { position: relative; height: 16px; border-radius: 4px; background: var(--ground); box-shadow: inset 0 0 0 1px var(--line); overflow: hidden; }\n.bar { position: absolute; top: 0; bottom: 0; min-width: 6px; border-radius: 4px; background: var(--tone); }\n.word { color: var(--tone); font-weight: 600; font-size: 0.9375rem; }\n.time { text-align: right; font-size: 0.9375rem; font-variant-numeric: tabular-nums; }\n.error { margin: 8px 0; padding: 12px 14px; border: 1px solid var(--failed); border-radius: 6px; }\n.error code { color: var(--failed); }\n.figures { display: flex; flex-wrap: wrap; gap: 8px; margin: 14px 0 4px; }\n.figures div { min-width: 125px; padding: 8px 12px; border-radius: 6px; background: var(--ground); }\n.figures dt { font-size: 0.8125rem; color: var(--quiet); }\n.figures dd { font-weight: 600; font-variant-numeric: tabular-nums; }\n.findings { list-style: none; }\n.findings li { padding: 6px 0 6px 12px; border-left: 3px solid var(--tone); }\n.findings li + li { margin-top: 6px; }\n.findings .error { --tone: var(--failed); margin: 0; border-width: 0 0 0 3px; border-radius: 0; }\n.findings .error + li { margin-top: 6px; }\n.findings .warning { --tone: var(--warned); } .findings .note { --tone: var(--inconclusive); }\n.findings strong { color: var(--tone); }\n.findings .error code { color: inherit; }\n.place { color: var(--quiet); }\n.scroll { overflow-x: auto; }\ntable { border-collapse: collapse; min-width: 100%; font-size: 0.9375rem; }\nth, td { padding: 6px 14px 6px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); overflow-wrap: normal; }\ntd { max-width: 34em; overflow-wrap: break-word; }\nth { font-size: 0.875rem; color: var(--quiet); white-space: nowrap; }\n.number + :not(.number) { padding-left: 14px; }\n.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }\ndetails { margin-top: 14px; }\nsummary { cursor: pointer; font-weight: 600; font-size: 0.9375rem; }\nsummary h3 { display: inline; font-size: 1rem; }\n.outputs { margin-top: 6px; font-size: 0.9375rem; }\n.outputs div { display: grid; grid-template-columns: minmax(8em, 12em) 1fr; gap: 12px; padding: 3px 0; }\n.outputs dt { color: var(--quiet); }\nfooter { padding-top: 8px; font-size: 0.9375rem; color: var(--quiet); }\n@media (max-width: 640px) {\n  body { padding: 0 12px 32px; }\n  section { padding: 14px; }\n  .timeline li { grid-template-columns: 1fr auto; gap: 4px 12px; padding: 8px 0; }\n  .timeline .track { grid-column: 1 / -1; order: 3; height: 10px; }\n  .timeline .word { grid-column: 1 / -1; order: 4; }\n  .outputs div { grid-template-columns: 1fr; gap: 0; }\n  h2 small { display: block; }\n}\n@media print {\n  :root { --ground: #fff; --card: #fff; --line: #c8c8c8; --text: #000; --quiet: #444; --link: #000; --on: #fff;\n    --passed: #1a7f37; --warned: #8a5a00; --failed: #c11c28; --inconclusive: #59636e; --restored: #6639ba; }\n  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }\n  body { padding: 0; font-size: 11pt; }\n  .answers, .timeline li, .figures, .error, tr, h2, h3 { break-inside: avoid; }\n  h2, h3 { break-after: avoid; }\n  .scroll { overflow: visible; } td { overflow-wrap: anywhere; }\n  details::details-content { content-visibility: visible; block-size: auto; }\n}\n`;function timeline(e){const n=Math.min(...e.map(({startedAt:e})=>Date.parse(e)));const t=Math.max(...e.map(({startedAt:e,milliseconds:n})=>Date.parse(e)+n));const i=Math.max(1,t-n);const d=e.map((e,t)=>{const d=(Date.parse(e.startedAt)-n)/i*100;const s=e.milliseconds/i*100;return(0,a.q)`<li>
      <a href="#stage-${t+1}">${(0,o.CT)(e)}</a>
      <span class="track" aria-hidden="true"
        ><span class="bar ${e.result}" style="left:min(${d.toFixed(2)}%,100% - 6px);width:${s.toFixed(2)}%"></span
      ></span>
      <span class="word ${e.result}">${e.result}</span>
      <span class="time">${(0,r.a)(e.milliseconds)}</span>
    </li>`});return(0,a.q)`<section aria-labelledby="timeline">
    <h2 id="timeline">Timeline</h2>
    <ol class="timeline">
      ${d}
    </ol>
  </section>`}var c=t(39517);var p=t(503);function renderPage(e){const n=(0,c.V)(e);const{run:t,stages:r}=e;const i=(0,a.q)`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>${n.headline} · ${t.repository}</title>
        <style>
          ${{markup:l}}
        </style>
      </head>
      <body class="${n.tone}">
        <header>
          <p class="product">Migration Guard <span>${t.repository}</span></p>
          <h1>${mark(n.tone)}<span>${n.headline}</span></h1>
          ${facts(e)}
        </header>
        <main>
          ${answers(n)} ${r.length===0?undefined:timeline(r)}
          ${r.map((e,n)=>stageSection(e,n))}
        </main>
        ${footer(e)}
      </body>
    </html>`;return`${i.markup}\n`}function answers({whatHappened:e,dataState:n,nextStep:t}){return(0,a.q)`<dl class="answers">
    <div>
      <dt>What happened</dt>
      <dd>${e}</dd>
    </div>
    <div>
      <dt>State of the data</dt>
      <dd>${n}</dd>
    </div>
    <div class="next">
      <dt>Next step</dt>
      <dd>${t}</dd>
    </div>
  </dl>`}function facts({run:e,stages:n}){const t=n[0]?.startedAt;const i=[["Environment",e.environment],["Database",e.database],["Commit",e.sha.slice(0,8)],["Started",t===undefined?undefined:moment(t)],["Took",t===undefined?undefined:(0,r.a)(elapsed(n))]];const o=i.filter(([,e])=>e!==undefined&&e!=="");return(0,a.q)`<dl class="facts">
    ${o.map(([e,n])=>(0,a.q)`<div>
          <dt>${e}</dt>
          <dd>${n}</dd>
        </div>`)}
  </dl>`}function footer({run:e}){const n=(0,p.D)(e.url);const t=`${e.workflow===""?"Run":e.workflow} ${e.runId}, attempt ${e.attempt}`;return(0,a.q)`<footer>
    <p>
      ${n===undefined?t:(0,a.q)`<a href="${n}">${t}</a>`}${e.job===""?undefined:` · job ${e.job}`}${e.actor===""?undefined:` · started by ${e.actor}`}${e.event===""?undefined:` (${e.event})`}${e.ref===""?undefined:` · ${e.ref}`}
    </p>
  </footer>`}function elapsed(e){const n=e.map(({startedAt:e})=>Date.parse(e));const t=e.map(({startedAt:e,milliseconds:n})=>Date.parse(e)+n);return Math.max(...t)-Math.min(...n)}function moment(e){return`${e.slice(0,19).replace("T"," ")} UTC`}},96170:(e,n,t)=>{t.d(n,{R:()=>visible,q:()=>html});function visible(e){return e.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F\u202A-\u202E\u2066-\u2069]/g,"�")}function escapeHtml(e){return visible(e).replaceAll("&","&amp;").replaceAll("<","&lt;").replaceAll(">","&gt;").replaceAll('"',"&quot;").replaceAll("'","&#39;")}function html(e,...n){return{markup:e.map((e,t)=>e+shown(n[t])).join("")}}function shown(e){if(e===undefined)return"";if(typeof e==="string")return escapeHtml(e);if(typeof e==="number")return String(e);if(isList(e))return e.map(shown).join("");return e.markup}function isList(e){return Array.isArray(e)}},8266:(e,n,t)=>{t.d(n,{A3:()=>reasonOf,CT:()=>stageName,Np:()=>bySeverity,ik:()=>place});function stageName({title:e,mode:n}){return n===undefined||e.toLowerCase()===n?e:`${e} (${n})`}function reasonOf({error:e,reason:n}){return e?.message??n}function bySeverity(e){return["error","warning","note"].flatMap(n=>e.filter(e=>e.severity===n))}function place({file:e,line:n,column:t}){return[e,n,t].filter(e=>e!==undefined).join(":")}},39517:(e,n,t)=>{t.d(n,{V:()=>verdictOf});var r=t(85226);var a=t(8266);function verdictOf(e){const n=e.stages.filter(({action:e})=>e!=="report");const t=n.findLastIndex(({action:e,mode:n})=>e==="rollback"&&n!=="plan");const r=n.find(isBroken);const a=t===-1?undefined:n.slice(t+1).find(isBroken);const i=conclusion({stages:n,cause:r,afterRollback:a,rollback:n[t]});return{tone:i.tone,alarming:i.tone!=="passed"&&i.tone!=="warned",headline:i.headline,whatHappened:i.whatHappened??(r===undefined?success(n,e):accountOf(r)),dataState:stateOfData(n)??"Not known: no stage reported the state of the data.",nextStep:nextStep(n,i)}}function conclusion({stages:e,cause:n,rollback:t,afterRollback:r}){if(e.length===0){const e="Check that the earlier steps ran with the same run-folder.";return{tone:"inconclusive",headline:"Nothing ran",whatHappened:"No stage reported anything.",otherwise:e}}if(t!==undefined)return rolledBack(t,{cause:n,afterRollback:r});if(n===undefined){const n=e.findLast(({result:e})=>e==="warned");if(n===undefined)return{tone:"passed",headline:"Passed",otherwise:"Nothing to do."};return{tone:"warned",headline:"Passed with warnings",...decidedBy(n)}}if(n.error?.code==="run/cancelled")return{tone:"failed",headline:"Cancelled",...decidedBy(n)};const i=e.some(({result:e})=>e==="failed");const[o,d]=i?["failed","Failed"]:["inconclusive","Undecided"];return{tone:o,headline:`${d}: ${(0,a.CT)(n)}`,...decidedBy(n)}}function decidedBy(e){return{decider:e,otherwise:`Look at the stage ${(0,a.CT)(e)} in the report.`}}function rolledBack(e,{cause:n,afterRollback:t}){const r=n===e?undefined:n;const o=[r,e,t].filter(e=>e!==undefined).map(accountOf).join(" ");if(isBroken(e))return{tone:"failed",headline:"Rollback failed",whatHappened:o,...decidedBy(e)};if(t!==undefined){return{tone:"failed",headline:`Rolled back, then failed: ${(0,a.CT)(t)}`,whatHappened:o,...decidedBy(t)}}const d=i[e.outputs["proof"]??""];if(d===undefined)return{tone:"failed",headline:"Rolled back, not proven",whatHappened:o,...decidedBy(e)};const s=r===undefined?"Correct the cause":`Correct what made ${(0,a.CT)(r)} fail`;const l=`The data needs nothing. ${s}, then start the workflow again.`;return{tone:"restored",headline:d,whatHappened:o,decider:e,otherwise:l}}const i={equal:"Rolled back, proven","equal-with-later-writes":"Rolled back, proven, later writes kept","equal-to-backup":"Rolled back to the backup, proven"};function isBroken({result:e}){return e==="failed"||e==="inconclusive"}function accountOf(e){return sentence(`${(0,a.CT)(e)}: ${(0,a.A3)(e)??e.result}`)}function success(e,{run:n}){const t=(0,r.a)(e.reduce((e,{milliseconds:n})=>e+n,0));const a=`${e.length} ${e.length===1?"stage":"stages"}`;const i=[n.database,n.environment].filter(e=>e!==undefined).join(" in ");const o=e.filter(({result:e})=>e==="warned").map(accountOf);const d=o.length===0?"passed":"ended without failure";return[`${a} ${d} in ${t}${i===""?"":` on ${i}`}.`,...o].join(" ")}function stateOfData(e){const n=e.filter(({dataState:e})=>e!==undefined);return(n.findLast(changesData)??n.at(-1))?.dataState}function changesData({action:e,mode:n=""}){return["migrate apply","rollback apply","backup restore"].includes(`${e} ${n}`)}function nextStep(e,{tone:n,decider:t,otherwise:r}){const a=t?.nextStep??t?.error?.remedy;const i=n==="passed"||n==="warned"?e.at(-1)?.nextStep:undefined;return sentence(a??i??r)}function sentence(e){return/[.!?…]$/.test(e)?e:`${e}.`}},503:(e,n,t)=>{t.d(n,{D:()=>webAddress});function webAddress(e){const n=URL.parse(e);return n!==null&&(n.protocol==="https:"||n.protocol==="http:")?n.href:undefined}}};var i=n.id;var o=n.d;var d=n.a;export{i as id,o as ids,d as modules};