// Shows notifications on phones, where only a service worker may. It caches nothing and fetches nothing.
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const path = event.notification.data?.path ?? "/";
  event.waitUntil(
    self.clients.matchAll({ type: "window" }).then(async (pages) => {
      const page = pages[0];
      if (!page) return self.clients.openWindow(path);
      await page.focus();
      return page.navigate(path);
    }),
  );
});
