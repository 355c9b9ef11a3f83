from memory_queue.app import main

main()
