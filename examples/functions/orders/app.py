"""A Lambda function in Python, as it is on AWS."""
import json
import os

ORDERS = {"1": 1250, "2": 990}


def handler(event, context):
    order = event["pathParameters"]["id"]
    print(f"order {order}, {context.get_remaining_time_in_millis()} ms left")
    if order not in ORDERS:
        return {"statusCode": 404, "body": json.dumps({"message": f"no order {order}"})}
    price = {"cents": ORDERS[order], "currency": os.environ["CURRENCY"]}
    return {"statusCode": 200, "body": json.dumps({"id": order, "price": price})}
