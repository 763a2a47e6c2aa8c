// window.PluginApi, as far as plugins can rely on it.

import React from "react";
import ReactDOM from "react-dom";
import * as Apollo from "@apollo/client";
import * as FontAwesomeRegular from "@fortawesome/free-regular-svg-icons";
import * as FontAwesomeSolid from "@fortawesome/free-solid-svg-icons";
import Mousetrap from "mousetrap";
import * as Bootstrap from "react-bootstrap";
import * as Intl from "react-intl";
import * as ReactRouterDOM from "react-router-dom";
import * as ReactSelect from "react-select";
import { after, before, components, instead, register } from "./patch";
import { GQL, StashService } from "./stash";
import { useSettings } from "./settings";
import { useToast } from "./toast";

class StashEvents extends EventTarget {
  dispatch(event, id, data) {
    const name = id ? `stash:${event}:${id}` : `stash:${event}`;
    this.dispatchEvent(new CustomEvent(name, { detail: { event: name, id, data } }));
  }
}
const Event = new StashEvents();

function route(path, component) {
  before("PluginRoutes", ({ children }) => [
    {
      children: React.createElement(
        React.Fragment,
        null,
        children,
        React.createElement(ReactRouterDOM.Route, { path, component }),
      ),
    },
  ]);
}

function loadComponents(loaders) {
  return Promise.all(loaders.map((load) => load()));
}

function useLoadComponents(loaders) {
  const [loading, setLoading] = React.useState(true);
  const [wanted] = React.useState(loaders);
  React.useEffect(() => {
    let here = true;
    loadComponents(wanted).then(() => here && setLoading(false));
    return () => {
      here = false;
    };
  }, [wanted]);
  return loading;
}

export const PluginApi = {
  React,
  ReactDOM,
  GQL,
  libraries: {
    ReactRouterDOM,
    Bootstrap,
    Apollo,
    Intl,
    FontAwesomeRegular,
    FontAwesomeSolid,
    Mousetrap,
    ReactSelect,
  },
  register: { route, component: register },
  loadableComponents: { SceneCard: () => import("./scene_card") },
  components,
  utils: {
    NavUtils: { makeSceneUrl: (id) => `/scenes/${id}` },
    StashService,
    loadComponents,
  },
  hooks: { useLoadComponents, useSettings, useToast },
  patch: { before, instead, after },
  Event,
};

window.PluginApi = PluginApi;
