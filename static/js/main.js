// The small modules every signed-in page runs. Each starts itself and knows only data attributes, nothing of leads.
import "./theme.js";
import "./announce.js";
import "./toasts.js";
import "./shortcuts.js";
import "./popover-menu.js";
import "./dialog.js";
import "./focus.js";
import "./typed.js";
import "./offline.js";
import "./palette.js";
import "./print.js";
import "./drafts.js";
import "./tabs.js";
