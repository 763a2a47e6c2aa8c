// A small Stash: just enough of its web app for a plugin's page to live in.

import React from "react";
import ReactDOM from "react-dom";
import { ApolloProvider } from "@apollo/client";
import { FontAwesomeIcon } from "@fortawesome/react-fontawesome";
import {
  faBars, faChartColumn, faCog, faFilm, faHeart, faImage, faImages, faMapMarkerAlt, faPlayCircle,
  faQuestionCircle, faSignOutAlt, faTag, faTimes, faUser, faVideo,
} from "@fortawesome/free-solid-svg-icons";
import { Button, Nav, Navbar, Spinner } from "react-bootstrap";
import { FormattedMessage, IntlProvider } from "react-intl";
import { LinkContainer } from "react-router-bootstrap";
import { BrowserRouter, Link, NavLink, Route, Switch, useLocation } from "react-router-dom";
import { PluginApi } from "./api";
import { patchable, patchableComponent } from "./patch";
import { FilteredSceneList } from "./scene_list";
import { SceneLoader } from "./scene_page";
import { SettingsPage, SettingsToolsSection } from "./settings";
import { GQL, StashService, getClient } from "./stash";
import { ToastProvider, useToast } from "./toast";

const MESSAGES = {
  "actions.edit": "Edit",
  details: "Details",
  donate: "Donate",
  file_info: "File Info",
  galleries: "Galleries",
  groups: "Groups",
  images: "Images",
  markers: "Markers",
  performers: "Performers",
  scenes: "Scenes",
  studios: "Studios",
  tags: "Tags",
};
const MENU = [
  ["scenes", "/scenes", faPlayCircle],
  ["images", "/images", faImage],
  ["groups", "/groups", faFilm],
  ["markers", "/scenes/markers", faMapMarkerAlt],
  ["galleries", "/galleries", faImages],
  ["performers", "/performers", faUser],
  ["studios", "/studios", faVideo],
  ["tags", "/tags", faTag],
];

const Icon = patchableComponent("Icon", ({ icon, className = "", color }) => (
  <FontAwesomeIcon icon={icon} className={`fa-icon ${className}`} color={color} />
));

patchableComponent("LoadingIndicator", ({ message }) => (
  <div className="LoadingIndicator">
    <Spinner animation="border" role="status">
      <span className="sr-only">Loading...</span>
    </Spinner>
    <h4 className="LoadingIndicator-message">{message || "Loading..."}</h4>
  </div>
));

const MenuItems = patchableComponent("MainNavBar.MenuItems", ({ children }) => (
  <Nav>{children}</Nav>
));
const UtilityItems = patchableComponent("MainNavBar.UtilityItems", ({ children }) => (
  <>{children}</>
));
const PluginRoutes = patchable("PluginRoutes", ({ children }) => <>{children}</>);

// As in a Stash with login, where the bar is at its widest.
function Utilities() {
  return (
    <UtilityItems>
      <Nav.Link className="nav-utility" as="div">
        <Button className="minimal donate" title="Donate">
          <Icon icon={faHeart} />
          <span className="d-none d-sm-inline">
            <FormattedMessage id="donate" />
          </span>
        </Button>
      </Nav.Link>
      <NavLink className="nav-utility" exact to="/stats">
        <Button className="minimal d-flex align-items-center h-100" title="Statistics">
          <Icon icon={faChartColumn} />
        </Button>
      </NavLink>
      <NavLink className="nav-utility" exact to="/settings">
        <Button className="minimal d-flex align-items-center h-100" title="Settings">
          <Icon icon={faCog} />
        </Button>
      </NavLink>
      <Button className="nav-utility minimal" title="Help">
        <Icon icon={faQuestionCircle} />
      </Button>
      <Button className="minimal logout-button d-flex align-items-center" title="Log out">
        <Icon icon={faSignOutAlt} />
      </Button>
    </UtilityItems>
  );
}

function MainNavbar() {
  const [expanded, setExpanded] = React.useState(false);
  return (
    <Navbar
      collapseOnSelect
      fixed="top"
      variant="dark"
      bg="dark"
      className="top-nav"
      expand="xl"
      expanded={expanded}
      onToggle={setExpanded}
    >
      <Navbar.Collapse className="bg-dark order-sm-1">
        <MenuItems>
          {MENU.map(([name, href, icon]) => (
            <Nav.Link key={href} eventKey={href} as="div" className="col-4 col-sm-3 col-md-2 col-lg-auto">
              <LinkContainer activeClassName="active" exact to={href}>
                <Button className="minimal p-4 p-xl-2 d-flex d-xl-inline-block flex-column justify-content-between align-items-center">
                  <Icon icon={icon} className="nav-menu-icon d-block d-xl-inline mb-2 mb-xl-0" />
                  <span>
                    <FormattedMessage id={name} />
                  </span>
                </Button>
              </LinkContainer>
            </Nav.Link>
          ))}
        </MenuItems>
        <Nav>
          <Utilities />
        </Nav>
      </Navbar.Collapse>
      <Navbar.Brand as="div" onClick={() => setExpanded(false)}>
        <LinkContainer to="/" exact>
          <Button className="minimal brand-link d-inline-block">Stash</Button>
        </LinkContainer>
      </Navbar.Brand>
      <Nav className="navbar-buttons flex-row ml-auto order-xl-2">
        <Utilities />
        <Navbar.Toggle className="nav-menu-toggle ml-sm-2">
          <Icon icon={expanded ? faTimes : faBars} />
        </Navbar.Toggle>
      </Nav>
    </Navbar>
  );
}

function Scenes() {
  return (
    <>
      <h1>Scenes</h1>
      <FilteredSceneList />
    </>
  );
}

function Settings() {
  const { search } = useLocation();
  if (/tab=tools/.test(search)) {
    return (
      <>
        <SettingsToolsSection />
        <SettingsToolsSection />
      </>
    );
  }
  return <SettingsPage />;
}

function add(element) {
  return new Promise((resolve) => {
    element.onload = element.onerror = resolve;
    document.head.appendChild(element);
  });
}

// The scripts of the plugins run before anything is shown; one that fails stops nobody.
function usePluginFiles() {
  const { data, loading, error } = StashService.usePlugins();
  const [loaded, setLoaded] = React.useState(false);
  const toast = useToast();
  React.useEffect(() => {
    if (error) toast.error(error);
    if (loading || error) return;
    const files = (kind) =>
      data.plugins.filter((plugin) => plugin.enabled).flatMap((plugin) => plugin.paths[kind] || []);
    const make = (tag, values) => Object.assign(document.createElement(tag), values);
    files("css").forEach((href) => add(make("link", { rel: "stylesheet", type: "text/css", href })));
    Promise.all(
      files("javascript").map((src) => add(make("script", { src, async: false }))),
    ).then(() => setLoaded(true));
  }, [data, loading, error]);
  return loaded || Boolean(error);
}

function App() {
  const location = useLocation();
  const loaded = usePluginFiles();
  React.useEffect(() => PluginApi.Event.dispatch("location", "", { location }), [location]);
  if (!loaded) return <p>Loading plugins…</p>;
  return (
    <>
      <MainNavbar />
      <div className="main container-fluid">
        <Switch>
          <Route exact path="/">
            <h1>Home</h1>
            <Link to="/scenes">All scenes</Link>
          </Route>
          <Route path="/scenes/:id(\d+)" component={SceneLoader} />
          <Route path="/scenes" component={Scenes} />
          <Route path="/settings" component={Settings} />
          <PluginRoutes />
        </Switch>
      </div>
    </>
  );
}

ReactDOM.render(
  <ApolloProvider client={getClient()}>
    <BrowserRouter basename={new URL(document.baseURI).pathname.replace(/\/$/, "")}>
      <IntlProvider locale="en-GB" messages={MESSAGES}>
        <ToastProvider>
          <App />
        </ToastProvider>
      </IntlProvider>
    </BrowserRouter>
  </ApolloProvider>,
  document.getElementById("root"),
);
