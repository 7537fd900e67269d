/** All tasks as the page shows them, in the order of `invoke --list` within a group. A test compares them with that. */
export const TASKS = [
  {
    id: 'develop',
    title: 'Develop',
    tasks: [
      { command: 'invoke dev', text: 'Runs the development server in a container. A saved edit reaches the browser at once.' },
      { command: 'invoke npm -- install x', text: 'Runs npm, or the app’s own pnpm or yarn, in a container.' },
      { command: 'invoke test', text: 'Runs the app’s own tests in the development image.' },
      { command: 'invoke shell', text: 'Opens a shell in the running development container.' },
    ],
  },
  {
    id: 'ship',
    title: 'Ship',
    tasks: [
      { command: 'invoke build-prod', text: 'Builds the production image in two stages: node builds, nginx serves.' },
      { command: 'invoke run-prod', text: 'Runs that image. A new release must pass its checks, and then takes over without a lost request.' },
      { command: 'invoke verify', text: 'Checks from outside that what is running is right, and says what is not.' },
      { command: 'invoke rollback', text: 'Goes back to the previous release, also without a lost request.' },
      { command: 'invoke push', text: 'Checks the image, and gives it to a registry.' },
      { command: 'invoke sbom', text: 'Writes what is in the image, and what is not.' },
      { command: 'invoke deploy', text: 'Releases a pushed image on every node of a Docker Swarm, or on none.' },
      { command: 'invoke releases', text: 'Lists the releases to which it can go back.' },
    ],
  },
  {
    id: 'look-after',
    title: 'Look after',
    tasks: [
      { command: 'invoke status', text: 'Shows what is running, where, and whether it is healthy.' },
      { command: 'invoke logs', text: 'Shows the log of a container.' },
      { command: 'invoke stop', text: 'Stops the containers of this project, and no others.' },
      { command: 'invoke clean', text: 'Removes what this project made: containers, images and volumes.' },
      { command: 'invoke init', text: 'Writes the files that another repository needs of its own, and touches none that is there.' },
      { command: 'invoke setup', text: 'Installs and starts a Docker engine, or says how.' },
      { command: 'invoke bases', text: 'Builds stand-ins for the base images, or pins the images.' },
    ],
  },
  {
    id: 'measure',
    title: 'Measure',
    tasks: [
      { command: 'invoke compare', text: 'Compares the Docker Handbook’s two images with this one.' },
      { command: 'invoke bench', text: 'Measures this project next to its peers.' },
    ],
  },
]

/** The same image by hand. */
export const DOCKER = [
  'docker image build --tag hello-dock:prod .',
  'docker container run --rm --detach --name hello-dock-prod --publish 8080:80 hello-dock:prod',
]
