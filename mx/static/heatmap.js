// The heat map by keys and by drag: arrows move, Enter goes in, Shift with arrows or a drag selects. The address holds what is selected.
(function () {
  'use strict';
  var form = document.getElementById('select');
  var readout = document.getElementById('readout');
  var status = document.getElementById('selected');
  if (!form || !readout) return;
  var anchor = null, drag = null, isSuppressed = false;

  function table() { return document.getElementById('heatmap'); }
  function rows() { return Array.prototype.slice.call(document.querySelectorAll('#heatmap tr[data-process]')); }
  function places() { return Array.prototype.map.call(document.querySelectorAll('#heatmap thead th[data-place]'), function (th) { return th.dataset.place; }); }
  function columnOf(td) { // cells may cover several columns
    var at = 0;
    for (var cell = td.parentNode.firstElementChild.nextElementSibling; cell && cell !== td; cell = cell.nextElementSibling) at += cell.colSpan;
    return at;
  }
  function cellAt(row, column) {
    var at = 0;
    for (var cell = row.firstElementChild.nextElementSibling; cell; cell = cell.nextElementSibling) {
      if (column < at + cell.colSpan) return cell;
      at += cell.colSpan;
    }
    return null;
  }
  function cellOf(node) { return node && node.closest ? node.closest('#heatmap td') : null; }
  function at(td) { return { row: rows().indexOf(td.parentNode), column: columnOf(td), width: td.colSpan }; }

  function say(td) {
    var link = td && td.querySelector('a');
    var head = places()[td ? columnOf(td) : 0];
    var label = head ? head.slice(0, 4) + (head.length > 4 ? '-' + head.slice(4, 6) : '') + (head.length > 6 ? '-' + head.slice(6, 8) : '') + (head.length > 8 ? ' ' + head.slice(8, 10) + ':' + (head.slice(10, 12) || '00') : '') : '';
    readout.textContent = link ? td.parentNode.dataset.process + ' · ' + label + (td.colSpan > 1 ? ' …' : '') + ' · ' + link.title : '';
  }

  function select(from, to) { // two corners, as rows and columns
    var all = rows(), heads = places();
    var low = Math.min(from.row, to.row), high = Math.max(from.row, to.row);
    var left = Math.min(from.column, to.column), right = Math.max(from.column + from.width, to.column + to.width) - 1;
    all.forEach(function (row, number) {
      var isIn = number >= low && number <= high;
      row.querySelector('input').checked = isIn;
      var column = 0;
      Array.prototype.slice.call(row.children, 1).forEach(function (td) {
        td.classList.toggle('sel', isIn && column <= right && column + td.colSpan > left);
        column += td.colSpan;
      });
    });
    form.elements.timeperiod.value = heads[left];
    form.elements.to.value = heads[Math.min(right, heads.length - 1)];
    keep();
  }

  function keep() { // in the address, so that it can be sent to somebody, and survives what is fetched anew
    var url = new URL(location.href);
    ['process', 'from', 'to'].forEach(function (name) { url.searchParams.delete(name); });
    var chosen = new FormData(form).getAll('process');
    if (chosen.length) {
      url.searchParams.set('from', form.elements.timeperiod.value);
      url.searchParams.set('to', form.elements.to.value);
      chosen.forEach(function (name) { url.searchParams.append('process', name); });
    }
    history.replaceState(null, '', url);
    status.textContent = chosen.length ? chosen.length + (chosen.length === 1 ? ' process' : ' processes') + ' selected, ' + form.elements.timeperiod.value + ' through ' + (form.elements.to.value || form.elements.timeperiod.value) : '';
  }

  function clear() {
    anchor = null;
    document.querySelectorAll('#heatmap td.sel').forEach(function (td) { td.classList.remove('sel'); });
    form.querySelectorAll('input[type=hidden][name=process]').forEach(function (each) { each.remove(); });
    rows().forEach(function (row) { row.querySelector('input').checked = false; });
    keep();
  }

  function move(td, key) {
    var all = rows(), here = at(td), row = here.row, column = here.column;
    var step = { ArrowLeft: [0, -1], ArrowRight: [0, here.width], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -column], End: [0, places().length - 1 - column] }[key];
    for (row += step[0], column += step[1]; all[row] && column >= 0 && column < places().length; row += step[0], column += Math.sign(step[1])) {
      var next = cellAt(all[row], column);
      var link = next && next.querySelector('a');
      if (link) return link;
      if (!step[0] && !step[1]) return null;
    }
    return null;
  }

  document.addEventListener('keydown', function (event) {
    var td = cellOf(event.target);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape' && table() && !document.querySelector('dialog[open]')) { clear(); return; }
    var isTyping = /^(INPUT|SELECT|TEXTAREA|BUTTON)$/.test(event.target.tagName);
    if (event.key === 'Backspace' && !isTyping) { var up = document.querySelector('[data-up]'); if (up) { event.preventDefault(); up.click(); } return; }
    if (!/^(Arrow(Left|Right|Up|Down)|Home|End)$/.test(event.key)) return;
    if (!td) { // the first arrow goes into the map
      var first = !isTyping && event.target === document.body || event.target.id === 'main' ? document.querySelector('#heatmap td a') : null;
      if (first) { event.preventDefault(); first.focus(); }
      return;
    }
    event.preventDefault();
    var link = move(td, event.key);
    if (event.shiftKey && !anchor) anchor = at(td);
    if (link) link.focus();
    if (event.shiftKey) select(anchor, at(link ? cellOf(link) : td)); else anchor = null;
  });

  document.addEventListener('focusin', function (event) { var td = cellOf(event.target); if (td) say(td); });
  document.addEventListener('pointerover', function (event) {
    var td = cellOf(event.target);
    if (td) say(td);
    if (drag && td && td !== drag.td) { drag.isMoved = true; document.documentElement.classList.add('is-dragging'); select(drag.from, at(td)); }
  });
  document.addEventListener('pointerdown', function (event) {
    var td = cellOf(event.target);
    if (!td || event.button || event.pointerType === 'touch') return;
    if (event.shiftKey) {
      event.preventDefault();
      isSuppressed = true;
      var active = cellOf(document.activeElement);
      select(anchor || (active ? at(active) : at(td)), at(td));
      anchor = anchor || at(td);
      return;
    }
    drag = { td: td, from: at(td), isMoved: false };
    anchor = drag.from;
  });
  document.addEventListener('pointerup', function () {
    if (drag && drag.isMoved) isSuppressed = true;
    drag = null;
    document.documentElement.classList.remove('is-dragging');
    window.setTimeout(function () { isSuppressed = false; }, 50);
  });
  document.addEventListener('dragstart', function (event) { if (cellOf(event.target)) event.preventDefault(); });
  document.addEventListener('click', function (event) { if (isSuppressed && cellOf(event.target)) { event.preventDefault(); isSuppressed = false; } }, true);
  document.addEventListener('change', function (event) { if (event.target.name === 'process' || event.target.form === form) keep(); });
})();
