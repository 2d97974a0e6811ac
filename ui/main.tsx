import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "@tanstack/react-router";
import { begin } from "./lib/store.ts";
import { router } from "./router.tsx";
import "./style/base.css";
import "./style/dashboard.css";
import "./style/agent.css";
import "./style/files.css";
import "./style/approval.css";
import "./style/diff.css";
import "./style/panels.css";
import "./style/work.css";
import "./style/prose.css";
import "./style/touch.css";

begin();
const place = document.querySelector("#app");
if (!place) throw new Error("the page has no #app");
createRoot(place).render(
  <StrictMode>
    <RouterProvider router={router} />
  </StrictMode>,
);
