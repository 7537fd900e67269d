/** The tasks as the page shows them, in the order in which they are usually needed. */
export const TASKS = [
  {
    id: 'develop',
    title: 'Develop',
    tasks: [
      { command: 'invoke dev', text: 'Runs the development server in a container. A saved edit reaches the browser at once.' },
    ],
  },
  {
    id: 'ship',
    title: 'Ship',
    tasks: [
      { command: 'invoke build-prod', text: 'Builds the production image in two stages: node builds, nginx serves.' },
      { command: 'invoke run-prod', text: 'Runs that image. A new release must pass its checks, and then takes over without a lost request.' },
      { command: 'invoke rollback', text: 'Goes back to the previous release, also without a lost request.' },
      { command: 'invoke verify', text: 'Checks from outside that what is running is right, and says what is not.' },
    ],
  },
  {
    id: 'look',
    title: 'Look',
    tasks: [
      { command: 'invoke status', text: 'Shows what is running, where, and whether it is healthy.' },
      { command: 'invoke logs', text: 'Shows the log of a container.' },
    ],
  },
  {
    id: 'leave',
    title: 'Leave',
    tasks: [
      { command: 'invoke stop', text: 'Stops the containers of this project, and no others.' },
      { command: 'invoke clean', text: 'Removes what this project made: containers, images and volumes.' },
    ],
  },
]

/** The same image by hand. */
export const DOCKER = [
  'docker image build --tag hello-dock:prod .',
  'docker container run --rm --detach --name hello-dock-prod --publish 8080:80 hello-dock:prod',
]
