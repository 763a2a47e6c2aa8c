// The connection to Stash: the Apollo client, the queries of this page, and the part of
// StashService and GQL that plugins use.

import * as Apollo from "@apollo/client";
import { onError } from "@apollo/client/link/error";

const { gql } = Apollo;

export function platformUrl(path) {
  const base = document.querySelector("base").getAttribute("href");
  return new URL(path, new URL(base, window.location.origin)).toString();
}

const toLogin = onError(({ networkError }) => {
  if (networkError && networkError.statusCode === 401) {
    window.location.href = platformUrl("login");
  }
});

let client;
export function getClient() {
  client =
    client ||
    new Apollo.ApolloClient({
      link: Apollo.from([toLogin, new Apollo.HttpLink({ uri: platformUrl("graphql") })]),
      cache: new Apollo.InMemoryCache({
        typePolicies: { ScenePathsType: { merge: true }, ConfigResult: { merge: true } },
      }),
    });
  return client;
}

export const documents = {
  PluginsDocument: gql`
    query Plugins {
      plugins { id name enabled requires paths { javascript css } }
    }
  `,
  SystemStatusDocument: gql`
    query SystemStatus { systemStatus { status } }
  `,
  ConfigurationDocument: gql`
    query Configuration { configuration { general { databasePath } plugins } }
  `,
  FindScenesDocument: gql`
    query FindScenes($filter: FindFilterType) {
      findScenes(filter: $filter) {
        count
        scenes { id title date studio { id name } paths { screenshot } files { basename } }
      }
    }
  `,
  FindSceneDocument: gql`
    query FindScene($id: ID!) {
      findScene(id: $id) {
        id title code details director urls date rating100 organized created_at updated_at
        files { id path basename size mod_time }
        paths { screenshot }
        studio { id name }
        performers { id name }
        tags { id name }
        groups { group { id name } scene_index }
      }
    }
  `,
  RunPluginTaskDocument: gql`
    mutation RunPluginTask($plugin_id: ID!, $task_name: String!, $args_map: Map) {
      runPluginTask(plugin_id: $plugin_id, task_name: $task_name, args_map: $args_map)
    }
  `,
  ConfigurePluginDocument: gql`
    mutation ConfigurePlugin($plugin_id: ID!, $input: Map!) {
      configurePlugin(plugin_id: $plugin_id, input: $input)
    }
  `,
};

export const GQL = {
  ...documents,
  usePluginsQuery: (options) => Apollo.useQuery(documents.PluginsDocument, options),
  useFindScenesQuery: (options) => Apollo.useQuery(documents.FindScenesDocument, options),
  useFindSceneQuery: (options) => Apollo.useQuery(documents.FindSceneDocument, options),
};

export const StashService = {
  getClient,
  usePlugins: () => GQL.usePluginsQuery(),
  useFindScene: (id) => GQL.useFindSceneQuery({ variables: { id }, skip: id === "new" }),
  useConfiguration: () => Apollo.useQuery(documents.ConfigurationDocument),
  // As in Stash, the third argument gets lost: the document knows no variable of that name.
  mutateRunPluginTask: (pluginId, taskName, args) =>
    getClient().mutate({
      mutation: documents.RunPluginTaskDocument,
      variables: { plugin_id: pluginId, task_name: taskName, args },
    }),
};
