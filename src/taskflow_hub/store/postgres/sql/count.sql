SELECT count(*) FROM (/* branches */) AS task
