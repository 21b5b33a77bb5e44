"use strict";

/* All clips show the leader's moment, each modulo its own length. A small drift is taken up by speed, which nobody sees;
   a large one by a jump, and after a jump the clip is left half a second to arrive. */
function keepInStep(leader, clips, speed, now) {
  for (const clip of clips) {
    if (clip === leader || clip.seeking || !(clip.duration > 0)) continue;
    const half = clip.duration / 2;
    let drift = (clip.currentTime - leader.currentTime) % clip.duration;
    if (drift > half) drift -= clip.duration;
    if (drift < -half) drift += clip.duration;
    const far = Math.abs(drift) > (leader.paused ? 0.001 : 0.12);
    const due = leader.paused ? clip.askedFor !== leader.currentTime : now - (clip.jumped || 0) > 500;
    if (far && due) {
      clip.currentTime = leader.currentTime % clip.duration;
      clip.askedFor = leader.currentTime; // once only: some browsers settle on the nearest frame instead
      clip.jumped = now;
      drift = 0;
    }
    const small = Math.abs(drift) < 0.015;
    const rate = small ? speed : speed * (1 - Math.max(-0.15, Math.min(0.15, 3 * drift)));
    if (Math.abs(clip.playbackRate - rate) > 0.004) clip.playbackRate = rate;
  }
}

/* The clips' names, as options of a select. */
function choices(clips, before = "") {
  return clips.map((clip, number) => new Option(before + clip.parentElement.querySelector("figcaption b").textContent, number));
}

/* What the template of that name holds, put at the end of the clips' section. */
function placed(name) {
  const part = document.getElementById(name).content.firstElementChild.cloneNode(true);
  document.querySelector(".clips").parentElement.append(part);
  return part;
}

/* One button, one scrubber, one sound for all clips. Returns nothing; does nothing on a page without clips. */
function setUpPlayer() {
  const all = [...document.querySelectorAll(".clips video")];
  if (!all.length) return;
  const draw = setUpWipe(all);
  const bar = placed("bar");
  const [play, scrubber, time, speed, sound] = ["play", "scrubber", "time", "speed", "sound"].map(
    (name) => bar.querySelector("." + name));
  let playing = false;
  sound.append(...choices(all, "sound: "));
  for (const clip of all) {
    clip.controls = false; // one clip moved alone would fall out of step
    clip.addEventListener("click", () => toggle(!playing));
    clip.addEventListener("error", () => {
      clip.parentElement.classList.add("broken");
      clip.parentElement.querySelector("figcaption").append(" (this browser cannot show it)");
    });
  }

  const shown = () => all.filter((clip) => clip.readyState > 0 && !clip.error);
  const leader = () => { // the plate's length counts; of clips as long the one that is heard, as its speed is never touched
    const clips = shown();
    const plate = clips.find((clip) => clip === all[document.querySelector(".clips").dataset.left]) || clips[0];
    return clips.find((clip) => !clip.muted && Math.abs(clip.duration - plate.duration) < 0.1) || plate;
  };
  function toggle(on) {
    playing = on;
    play.textContent = on ? "Pause" : "Play";
    for (const clip of shown()) {
      if (!on) clip.pause();
      else clip.play().catch(() => { if (clip === leader()) toggle(false); });
    }
  }
  play.addEventListener("click", () => toggle(!playing));
  scrubber.addEventListener("input", () => { const first = leader(); if (first) first.currentTime = +scrubber.value; });
  sound.addEventListener("change", () => all.forEach((clip, number) => { clip.muted = String(number) !== sound.value; }));
  document.addEventListener("visibilitychange", () => { if (!document.hidden && playing) toggle(true); });

  requestAnimationFrame(function tick(now) {
    const first = leader();
    if (first) {
      if (first.playbackRate !== +speed.value) first.playbackRate = +speed.value;
      keepInStep(first, shown(), +speed.value, now);
      scrubber.max = first.duration;
      scrubber.value = first.currentTime;
      time.value = `${first.currentTime.toFixed(2)} / ${first.duration.toFixed(2)} s`;
      draw();
    }
    requestAnimationFrame(tick);
  });
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const begin = setInterval(() => { // once every clip is open, or has failed; not where a person was quicker
    if (!playing && !all.every((clip) => clip.readyState > 2 || clip.error)) return;
    clearInterval(begin);
    if (!playing) toggle(true);
  }, 100);
}

/* Two clips in one picture, parted by a line that can be dragged, or their difference. Returns what draws it anew. */
function setUpWipe(clips) {
  if (clips.length < 2) return () => {};
  const wipe = placed("wipe");
  const [canvas, line, left, right, mode] = ["canvas", "input", ".pick-left", ".pick-right", ".mode"].map(
    (name) => wipe.querySelector(name));
  const labels = [wipe.querySelector("span.left"), wipe.querySelector("span.right")];
  const pen = canvas.getContext("2d");
  for (const [pick, side] of [[left, "left"], [right, "right"]]) {
    pick.append(...choices(clips));
    pick.value = document.querySelector(".clips").dataset[side];
  }
  return () => {
    const [one, other] = [clips[left.value], clips[right.value]];
    if (one.readyState < 2 || other.readyState < 2) return;
    if (canvas.width !== one.videoWidth || canvas.height !== one.videoHeight) {
      canvas.width = one.videoWidth;
      canvas.height = one.videoHeight;
    }
    const { width, height } = canvas;
    const differ = mode.value === "difference";
    [left, right].forEach((pick, k) => { labels[k].textContent = pick.selectedOptions[0].text; });
    labels[1].hidden = labels[0].hidden = differ;
    line.disabled = differ;
    pen.drawImage(one, 0, 0, width, height);
    if (differ) {
      pen.globalCompositeOperation = "difference";
      pen.drawImage(other, 0, 0, width, height);
      pen.globalCompositeOperation = "color-dodge"; // by two thirds: divides by a third, so that faint traces show
      pen.fillStyle = "rgb(170 170 170)";
      pen.fillRect(0, 0, width, height);
      pen.globalCompositeOperation = "source-over";
      return;
    }
    const x = Math.round((width * line.value) / 100);
    pen.save();
    pen.beginPath();
    pen.rect(x, 0, width - x, height);
    pen.clip();
    pen.drawImage(other, 0, 0, width, height);
    pen.restore();
    const thick = Math.max(1, width / 300);
    pen.fillStyle = "#fff";
    pen.fillRect(x - thick / 2, 0, thick, height);
    pen.beginPath();
    pen.arc(x, height / 2, thick * 5, 0, 2 * Math.PI);
    pen.fill();
  };
}

function setUpCopying() {
  for (const box of document.querySelectorAll(".box")) {
    const [button, code] = [box.querySelector("button"), box.querySelector("code")];
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch { // no clipboard for pages from the disk in some browsers: leave it marked
        getSelection().selectAllChildren(code);
        button.textContent = document.execCommand("copy") ? "Copied" : "Marked";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });
  }
}

setUpPlayer();
setUpCopying();
