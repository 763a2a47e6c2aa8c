// The settings of plugins: like Stash's page, this one saves all of what it has loaded.

import React from "react";
import { useMutation } from "@apollo/client";
import { Form } from "react-bootstrap";
import { patchableComponent } from "./patch";
import { StashService, documents } from "./stash";

const Settings = React.createContext(null);

export function SettingsProvider({ children }) {
  const { data, loading, error } = StashService.useConfiguration();
  const [save] = useMutation(documents.ConfigurePluginDocument);
  const [changed, setChanged] = React.useState({});
  const stored = (data && data.configuration.plugins) || {};
  const plugins = { ...stored, ...changed };
  const value = {
    loading,
    error,
    plugins,
    savePluginConfiguration: (id, input) => {
      setChanged({ ...changed, [id]: input });
      return save({ variables: { plugin_id: id, input } });
    },
  };
  return <Settings.Provider value={value}>{children}</Settings.Provider>;
}

export function useSettings() {
  const settings = React.useContext(Settings);
  if (!settings) throw new Error("useSettings must be used within a SettingsProvider");
  return settings;
}

const PluginSettings = patchableComponent("PluginSettings", ({ pluginID }) => {
  const { plugins, savePluginConfiguration } = useSettings();
  const settings = plugins[pluginID] || {};
  return (
    <div className="plugin-settings">
      {Object.keys(settings)
        .filter((key) => !/token/.test(key))
        .map((key) => (
          <Form.Group key={key} controlId={`plugin-${pluginID}-${key}`}>
            <Form.Label>{key}</Form.Label>
            <Form.Control
              className="text-input"
              value={String(settings[key])}
              onChange={({ target }) =>
                savePluginConfiguration(pluginID, { ...settings, [key]: target.value })
              }
            />
          </Form.Group>
        ))}
    </div>
  );
});

export const SettingsToolsSection = patchableComponent("SettingsToolsSection", ({ children }) => (
  <div className="setting-section">{children}</div>
));

export function SettingsPage() {
  const { data } = StashService.usePlugins();
  return (
    <SettingsProvider>
      <h1>Settings</h1>
      {((data && data.plugins) || []).map((plugin) => (
        <section key={plugin.id} className="setting-section">
          <h2>{plugin.name}</h2>
          <PluginSettings pluginID={plugin.id} settings={[]} />
        </section>
      ))}
    </SettingsProvider>
  );
}
