// Sets the colours before anything is drawn, so that a dark page never flashes white.
(function () {
    var chosen = null;
    try {
        chosen = localStorage.getItem('linkmesh.theme');
    } catch (error) {
        // Storage may be forbidden; the system's choice is good enough then.
    }
    var dark = matchMedia('(prefers-color-scheme: dark)').matches;
    document.documentElement.dataset.theme = chosen === 'dark' || (chosen !== 'light' && dark) ? 'dark' : 'light';
})();
